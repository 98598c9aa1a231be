//! The words by which demands, answers, tests and retractions are recognised: tables that a newcomer
//! extends by a row. All in lower case. A statement that rests on one is graded INFERRED.

pub(crate) mod answers;
pub(crate) mod applied;
pub(crate) mod demands;
pub(crate) mod testing;
pub(crate) mod words;

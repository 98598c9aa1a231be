//! Calls that are not the kernel's: small programs behind a name.

/// A call that the executor makes of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudo {
    /// Its name in descriptions, up to the first `$`.
    pub name: &'static str,
    /// Whether the executor can make it.
    pub runs: bool,
}

const fn runs(name: &'static str) -> Pseudo {
    Pseudo { name, runs: true }
}

const fn missing(name: &'static str) -> Pseudo {
    Pseudo { name, runs: false }
}

/// All that published descriptions name. A call's number is its place here.
pub const PSEUDO_CALLS: &[Pseudo] = &[
    runs("syz_open_dev"),
    runs("syz_open_procfs"),
    runs("syz_open_pts"),
    runs("syz_genetlink_get_family_id"),
    runs("syz_init_net_socket"),
    runs("syz_io_uring_setup"),
    runs("syz_io_uring_submit"),
    runs("syz_io_uring_complete"),
    runs("syz_io_uring_modify_offsets"),
    runs("syz_memcpy_off"),
    runs("syz_create_resource"),
    runs("syz_pidfd_open"),
    runs("syz_clone"),
    runs("syz_clone3"),
    missing("syz_mount_image"),
    missing("syz_read_part_table"),
    missing("syz_fuse_handle_req"),
    missing("syz_emit_ethernet"),
    missing("syz_extract_tcp_res"),
    runs("syz_execute_func"),
    missing("syz_btf_id_by_name"),
    missing("syz_pkey_set"),
    missing("syz_socket_connect_nvme_tcp"),
    missing("syz_usb_connect"),
    missing("syz_usb_connect_ath9k"),
    missing("syz_usb_control_io"),
    missing("syz_usb_ep_write"),
    missing("syz_usb_ep_read"),
    missing("syz_usb_disconnect"),
    missing("syz_usbip_server_init"),
    missing("syz_emit_vhci"),
    missing("syz_80211_inject_frame"),
    missing("syz_80211_join_ibss"),
    missing("syz_kvm_setup_cpu"),
    missing("syz_kvm_setup_syzos_vm"),
    missing("syz_kvm_add_vcpu"),
    missing("syz_kvm_assert_syzos_uexit"),
    missing("syz_kvm_assert_syzos_kvm_exit"),
    missing("syz_kvm_assert_reg"),
    missing("syz_kvm_vgic_v3_setup"),
    missing("syz_ublk_setup_io_uring"),
    missing("syz_ublk_add_dev"),
    missing("syz_ublk_setup_queues"),
    missing("syz_ublk_process_io"),
    missing("syz_kfuzztest_run"),
];

/// The number of the pseudo call of that name, which may have a variant (`syz_open_dev$loop`).
pub fn pseudo_named(name: &str) -> Option<u16> {
    let base = name.split('$').next().unwrap_or(name);
    let place = PSEUDO_CALLS.iter().position(|call| call.name == base)?;
    u16::try_from(place).ok()
}

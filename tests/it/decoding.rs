//! Messages as they were really sent, and what they say.
//!
//! Our own lab's messages are fixtures. Those of other projects are read where they lie, if they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use expect_test::{Expect, expect};
use jiff::Timestamp;
use koji_notify::bus::decode::{Decoded, Dialect, Envelope, MAX_BODY, MAX_TEXT, decode};
use koji_notify::bus::replay::{Reader, Record, records};
use koji_notify::koji::task::MAX_CHILDREN;
use koji_notify::koji::{Change, Child, HubEvent};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::value::RawValue;

#[test]
fn the_lab_hub_is_understood() {
    check(
        &fixtures().join("lab"),
        expect![[r#"
        01-pkglist-add: not for us: topic package.list.change
        02-repo-init: not for us: topic repo.init
        03-repo-done: not for us: topic repo.done
        04-build-none-to-building: 2026-11-20T17:22:02Z build 1 hello-1.0-20261120172159.fc44 -->BUILDING owner=alice task=9 target=rawhide created=2026-11-20T17:22:02.84132Z started=2026-11-20T17:21:58Z completed=- [10 buildSRPMFromSCM srpm CLOSED]
        05-build-building-to-complete: 2026-11-20T17:22:10Z build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=rawhide created=2026-11-20T17:22:02.84132Z started=2026-11-20T17:21:58Z completed=2026-11-20T17:22:10.393261Z [12 buildArch aarch64 CLOSED] [10 buildSRPMFromSCM srpm CLOSED] [11 buildArch x86_64 CLOSED]
        06-tag-f44-signing-pending-by-owner: 2026-11-20T17:22:11Z tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice
        07-untag-f44-signing-pending-by-other: 2026-11-20T17:23:43Z untagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=kojiadmin owner=alice
        08-tag-f44-by-other: 2026-11-20T17:23:43Z tagged 1 hello-1.0-20261120172159.fc44 tag=f44 user=kojiadmin owner=alice
        09-scratchtask-free-to-assigned: 2026-11-20T17:23:44Z scratch build 23 python-requests FREE->ASSIGNED owner=alice package=python-requests target=rawhide created=2026-11-20T17:23:43Z started=- completed=-
        10-scratchtask-assigned-to-open: 2026-11-20T17:23:45Z scratch build 23 python-requests ASSIGNED->OPEN owner=alice package=python-requests target=rawhide created=2026-11-20T17:23:43Z started=2026-11-20T17:23:45Z completed=-
        11-scratchtask-free-to-assigned-uploaded-srpm: 2026-11-20T17:23:50Z scratch build 34 hello-2.29-954226.fc44 FREE->ASSIGNED owner=alice package=hello target=rawhide created=2026-11-20T17:23:50Z started=- completed=-
        12-scratchtask-assigned-to-open-uploaded-srpm: 2026-11-20T17:23:51Z scratch build 34 hello-2.29-954226.fc44 ASSIGNED->OPEN owner=alice package=hello target=rawhide created=2026-11-20T17:23:50Z started=2026-11-20T17:23:51Z completed=-
        13-build-building-to-complete-noarch: 2026-11-20T17:23:54Z build 4 tree-6.4-954223.fc44 BUILDING->COMPLETE owner=alice task=18 target=rawhide created=2026-11-20T17:23:48.857606Z started=2026-11-20T17:23:44Z completed=2026-11-20T17:23:53.942672Z [31 buildArch noarch CLOSED] [24 buildSRPMFromSCM srpm CLOSED]
        14-build-none-to-building-epoch: 2026-11-20T17:23:57Z build 6 hello-9.21-954227.fc44 -->BUILDING owner=alice task=36 target=rawhide created=2026-11-20T17:23:56.930476Z started=2026-11-20T17:23:52Z completed=- [39 buildSRPMFromSCM srpm CLOSED]
        15-scratchtask-open-to-closed: 2026-11-20T17:24:01Z scratch build 23 python-requests-3.2-954225.fc44 OPEN->CLOSED owner=alice package=python-requests target=rawhide created=2026-11-20T17:23:43Z started=2026-11-20T17:23:45Z completed=2026-11-20T17:24:01Z [35 buildArch aarch64 CLOSED] [26 buildSRPMFromSCM srpm CLOSED] [33 buildArch x86_64 CLOSED]
        16-scratchtask-open-to-closed-uploaded-srpm: 2026-11-20T17:24:06Z scratch build 34 hello-2.29-954226.fc44 OPEN->CLOSED owner=alice package=hello target=rawhide created=2026-11-20T17:23:50Z started=2026-11-20T17:23:51Z completed=2026-11-20T17:24:05Z [37 rebuildSRPM srpm CLOSED] [45 buildArch x86_64 CLOSED]
        17-pkglist-block: not for us: topic package.list.change
        18-build-building-to-canceled-epoch: 2026-11-20T17:24:08Z build 7 rust-zbus-0.4-954230.fc44 BUILDING->CANCELED owner=alice task=42 target=rawhide created=2026-11-20T17:24:04.025347Z started=2026-11-20T17:23:56Z completed=2026-11-20T17:24:08.206362Z [69 buildArch aarch64 CANCELED] [50 buildSRPMFromSCM srpm CLOSED] [67 buildArch x86_64 CANCELED]
        19-scratchtask-open-to-canceled: 2026-11-20T17:24:09Z scratch build 55 tree OPEN->CANCELED owner=alice package=tree target=rawhide created=2026-11-20T17:23:58Z started=2026-11-20T17:24:05Z completed=2026-11-20T17:24:09Z [71 buildSRPMFromSCM srpm OPEN]
        20-scratchtask-open-to-failed: 2026-11-20T17:24:11Z scratch build 38 gnome-tweaks-4.4-954228.fc44 OPEN->FAILED owner=alice package=gnome-tweaks target=rawhide created=2026-11-20T17:23:51Z started=2026-11-20T17:23:53Z completed=2026-11-20T17:24:11Z [58 buildArch aarch64 FAILED] [43 buildSRPMFromSCM srpm CLOSED] [57 buildArch x86_64 CLOSED]
        21-build-building-to-failed-epoch: 2026-11-20T17:24:11Z build 6 hello-9.21-954227.fc44 BUILDING->FAILED owner=alice task=36 target=rawhide created=2026-11-20T17:23:56.930476Z started=2026-11-20T17:23:52Z completed=2026-11-20T17:24:11.504776Z [54 buildArch aarch64 FAILED] [39 buildSRPMFromSCM srpm CLOSED] [53 buildArch x86_64 CLOSED]
        22-build-none-to-building-draft: 2026-11-20T17:24:12Z build 8 python-requests-4.15-954234.fc44,draft_8 -->BUILDING owner=alice task=60 target=rawhide created=2026-11-20T17:24:12.610972Z started=2026-11-20T17:24:06Z completed=- [73 buildSRPMFromSCM srpm CLOSED]
        23-build-none-to-building-f43: 2026-11-20T17:24:14Z build 9 hello-1.22-954235.fc43 -->BUILDING owner=alice task=64 target=f43-candidate created=2026-11-20T17:24:14.269553Z started=2026-11-20T17:24:09Z completed=- [80 buildSRPMFromSCM srpm CLOSED]
        24-build-building-to-complete-f43: 2026-11-20T17:24:21Z build 9 hello-1.22-954235.fc43 BUILDING->COMPLETE owner=alice task=64 target=f43-candidate created=2026-11-20T17:24:14.269553Z started=2026-11-20T17:24:09Z completed=2026-11-20T17:24:21.834609Z [86 buildArch aarch64 CLOSED] [80 buildSRPMFromSCM srpm CLOSED] [85 buildArch x86_64 CLOSED]
        25-build-building-to-complete-draft: 2026-11-20T17:24:22Z build 8 python-requests-4.15-954234.fc44,draft_8 BUILDING->COMPLETE owner=alice task=60 target=rawhide created=2026-11-20T17:24:12.610972Z started=2026-11-20T17:24:06Z completed=2026-11-20T17:24:22.579114Z [84 buildArch aarch64 CLOSED] [73 buildSRPMFromSCM srpm CLOSED] [83 buildArch x86_64 CLOSED]
        26-tag-f43-updates-candidate-by-owner: 2026-11-20T17:24:23Z tagged 9 hello-1.22-954235.fc43 tag=f43-updates-candidate user=alice owner=alice
        27-tag-f43-by-other: 2026-11-20T17:25:37Z tagged 9 hello-1.22-954235.fc43 tag=f43 user=kojiadmin owner=alice
        28-untag-f43-by-other: 2026-11-20T17:25:37Z untagged 9 hello-1.22-954235.fc43 tag=f43 user=kojiadmin owner=alice
        29-tag-f43-by-owner: 2026-11-20T17:25:38Z tagged 9 hello-1.22-954235.fc43 tag=f43 user=alice owner=alice
        30-untag-f43-by-owner: 2026-11-20T17:25:41Z untagged 9 hello-1.22-954235.fc43 tag=f43 user=alice owner=alice
        31-pkglist-update: not for us: topic package.list.change
        32-pkglist-unblock: not for us: topic package.list.change
        33-pkglist-remove: not for us: topic package.list.change
        34-build-none-to-complete-without-task: 2026-11-20T17:25:45Z build 10 tree-99.0-1795195544.fc44 -->COMPLETE owner=kojiadmin task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z
        35-build-attribute-owner_id: not for us: attribute owner_id
        36-build-none-to-building-without-task: 2026-11-20T17:25:48Z build 12 hello-200-1795195547 -->BUILDING owner=alice task=- target=- created=2026-11-20T17:25:47.955285Z started=- completed=-
        37-build-building-to-failed-without-task: 2026-11-20T17:25:48Z build 12 hello-200-1795195547 BUILDING->FAILED owner=alice task=- target=- created=2026-11-20T17:25:47.955285Z started=- completed=2026-11-20T17:25:48.48698Z
        38-scratchtask-open-to-free: 2026-11-20T17:25:52Z scratch build 96 tree OPEN->FREE owner=alice package=tree target=rawhide created=2026-11-20T17:25:49Z started=2026-11-20T17:25:50Z completed=- [97 buildSRPMFromSCM srpm OPEN]
        39-rpm-sign: not for us: topic rpm.sign
        40-untag-f44-by-other: 2026-11-20T17:25:56Z untagged 10 tree-99.0-1795195544.fc44 tag=f44 user=kojiadmin owner=alice
        41-build-complete-to-canceled-without-task: 2026-11-20T17:25:56Z build 10 tree-99.0-1795195544.fc44 COMPLETE->CANCELED owner=alice task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z
        42-build-canceled-to-deleted-without-task: 2026-11-20T17:25:57Z build 10 tree-99.0-1795195544.fc44 CANCELED->DELETED owner=alice task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z
        43-build-promote: not for us: topic build.promote
        44-build-building-to-complete-without-task: 2026-11-20T17:26:25Z build 14 hello-202-1795195584 BUILDING->COMPLETE owner=alice task=- target=- created=2026-11-20T17:26:25.126585Z started=- completed=2026-11-20T17:26:25.776038Z
        45-build-building-to-failed: 2026-11-20T17:28:43Z build 16 gnome-tweaks-5.1-1795195716.fc44 BUILDING->FAILED owner=alice task=107 target=rawhide created=2026-11-20T17:28:40.870749Z started=2026-11-20T17:28:38Z completed=2026-11-20T17:28:43.197564Z [116 buildArch aarch64 CANCELED] [110 buildSRPMFromSCM srpm CLOSED] [115 buildArch x86_64 FAILED]
        46-build-building-to-complete-epoch: 2026-11-20T17:31:42Z build 20 gnome-tweaks-2.21-958901.fc44 BUILDING->COMPLETE owner=alice task=163 target=rawhide created=2026-11-20T17:31:35.243418Z started=2026-11-20T17:31:31Z completed=2026-11-20T17:31:42.417702Z [166 buildArch aarch64 CLOSED] [164 buildSRPMFromSCM srpm CLOSED] [165 buildArch x86_64 CLOSED]
        47-build-building-to-complete-epoch-noarch: 2026-11-20T17:35:04Z build 21 texlive-base-2.25-960921.fc44 BUILDING->COMPLETE owner=bob task=171 target=rawhide created=2026-11-20T17:34:57.461115Z started=2026-11-20T17:34:53Z completed=2026-11-20T17:35:04.255209Z [181 buildArch noarch CLOSED] [173 buildSRPMFromSCM srpm CLOSED]
        48-build-building-to-canceled: 2026-11-20T17:35:37Z build 31 perl-Moose-8.5-960938.fc44 BUILDING->CANCELED owner=bob task=219 target=rawhide created=2026-11-20T17:35:26.264986Z started=2026-11-20T17:35:15Z completed=2026-11-20T17:35:37.444456Z [276 buildArch aarch64 OPEN] [242 buildSRPMFromSCM srpm CLOSED] [275 buildArch x86_64 OPEN]
        49-build-none-to-building-of-chainbuild: 2026-11-20T17:37:22Z build 40 tree-1.0-20261120173718.fc44 -->BUILDING owner=alice task=344 target=rawhide created=2026-11-20T17:37:22.194322Z started=2026-11-20T17:37:17Z completed=- [345 buildSRPMFromSCM srpm CLOSED]
        50-build-building-to-complete-of-chainbuild: 2026-11-20T17:37:30Z build 40 tree-1.0-20261120173718.fc44 BUILDING->COMPLETE owner=alice task=344 target=rawhide created=2026-11-20T17:37:22.194322Z started=2026-11-20T17:37:17Z completed=2026-11-20T17:37:30.048472Z [349 buildArch aarch64 CLOSED] [345 buildSRPMFromSCM srpm CLOSED] [348 buildArch x86_64 CLOSED]
    "#]],
    );
}

#[test]
fn fedora_messaging_of_2019_to_2025_is_understood() {
    if let Some(folder) = shared("samples/fedora-messaging") {
        check(
            &folder,
            expect![[r#"
            build.state.change--building-epel8: 2022-01-05T09:39:30Z build 1874072 python-ogr-0.34.0-1.el8 -->BUILDING owner=packit task=80860791 target=epel8-candidate created=2023-11-08T09:54:48.493165Z started=- completed=-
            build.state.change--building-rawhide: 2022-01-05T09:47:20Z build 1874074 python-ogr-0.34.0-1.fc36 -->BUILDING owner=packit task=80860894 target=rawhide created=2023-11-08T09:54:48.493165Z started=- completed=-
            build.state.change--canceled-full-headers-2025: 2025-11-17T14:42:02Z build 2860061 prusa-slicer-2.9.4-1.fc44 BUILDING->CANCELED owner=spot task=139004033 target=rawhide created=2025-11-17T13:10:36.335964Z started=2025-11-17T13:08:32Z completed=2025-11-17T14:42:01.741593Z [139004157 buildArch s390x OPEN] [139004156 buildArch ppc64le FAILED] [139004050 buildSRPMFromSCM srpm CLOSED] [139004153 buildArch x86_64 CLOSED] [139004154 buildArch aarch64 CLOSED]
            build.state.change--complete-f36: 2022-01-05T09:40:59Z build 1874070 python-ogr-0.34.0-1.fc36 BUILDING->COMPLETE owner=packit task=80860789 target=f36-candidate created=2023-11-08T09:54:48.493165Z started=- completed=2023-11-08T10:01:04.706963Z
            build.state.change--complete-rawhide: 2022-01-05T09:48:38Z build 1874074 python-ogr-0.34.0-1.fc36 BUILDING->COMPLETE owner=packit task=80860894 target=rawhide created=2023-11-08T09:54:48.493165Z started=- completed=2023-11-08T10:01:04.706963Z
            build.state.change--plugin-building-image-2023: ? build 2211149 Fedora-Cloud-Base-Vagrant-37-20230609.0 -->BUILDING owner=releng task=101963955 target=- created=2023-06-09T08:15:54.54635Z started=- completed=-
            build.state.change--plugin-complete-rpm-2023: ? build 2211083 grep-3.11-1.fc39 BUILDING->COMPLETE owner=jskarvad task=101962689 target=rawhide created=2023-06-09T07:17:25.39782Z started=- completed=2023-06-09T07:32:16.160696Z
            build.state.change--plugin-failed-image-2023: ? build 2211099 Fedora-Container-Minimal-Base-38-20230609.0 BUILDING->FAILED owner=releng task=101962163 target=- created=2023-06-09T06:45:50.418152Z started=- completed=2023-06-09T07:31:20.250419Z
            build.state.change--schema-complete-import-no-task: ? build 1478312 chromium-80.0.3987.132-1.fc33 BUILDING->COMPLETE owner=spot task=- target=rawhide created=2023-06-09T07:16:27.818161Z started=- completed=2023-06-09T07:35:14.682273Z
            package.list.change--plugin-update-2023: not for us: topic package.list.change
            package.list.change--schema-unblock-nulls: not for us: topic package.list.change
            repo.done--schema-module: not for us: topic repo.done
            repo.init--plugin-plain-2023: not for us: topic repo.init
            rpm.sign--schema-no-build-object: not for us: topic rpm.sign
            rpm.sign--schema-wine: not for us: topic rpm.sign
            rpm.sign--x-received-from-2024: not for us: topic rpm.sign
            tag--schema-bodhi-pending: ? tagged 1457909 http-parser-2.9.3-1.fc31 tag=f31-updates-pending user=bodhi owner=sgallagh
            tag--side-tag-2024-full-headers: 2024-06-20T15:04:24Z tagged 1234567 python-specfile-0.31.0-1.fc40 tag=f40-build-side-12345 user=nforro owner=nforro
            task.state.change--hotness-canceled-info-not-updated: ? scratch build 90100954 globus-callout-4.0-1.fc29 FREE->CANCELED owner=koschei package=globus-callout target=f29 created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--hotness-closed-info-not-updated: ? scratch build 90100954 globus-callout-4.0-1.fc29 FREE->CLOSED owner=koschei package=globus-callout target=f29 created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--hotness-closed-odd-request: ? scratch build 90100954 globus-callout-4.0-1.fc29 FREE->CLOSED owner=koschei package=globus-callout target=f29 created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--hotness-failed-info-not-updated: ? scratch build 90100954 globus-callout-4.0-1.fc29 FREE->FAILED owner=koschei package=globus-callout target=f29 created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--hotness-non-build-method: ? scratch non-build 90100954 globus-callout-4.0-1.fc29 FREE->OPEN owner=koschei package=globus-callout target=- created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--hotness-scratch-open: ? scratch build 90100954 globus-callout-4.0-1.fc29 FREE->OPEN owner=koschei package=globus-callout target=f29 created=2019-03-06T17:11:37Z started=2019-03-06T17:11:38Z completed=-
            task.state.change--plugin-scratch-closed-2023: ? scratch build 110011364 python-atpublic OPEN->CLOSED owner=dummy-user package=python-atpublic target=rawhide created=2023-06-08T09:56:21Z started=2023-06-08T09:56:21Z completed=2023-06-08T10:01:09Z
            task.state.change--plugin-scratch-closed-with-children-2023: ? scratch build 110011389 golang-modernc-file-1.0.8-1.fc38 OPEN->CLOSED owner=dummy-user package=golang-modernc-file target=rawhide created=2023-06-08T11:35:13Z started=2023-06-08T11:35:14Z completed=2023-06-08T11:40:31Z [110011390 rebuildSRPM srpm CLOSED] [110011391 buildArch i686 CLOSED] [110011392 buildArch x86_64 CLOSED] [110011395 buildArch s390x CLOSED] [110011394 buildArch ppc64le CLOSED] [110011393 buildArch aarch64 CLOSED]
            task.state.change--plugin-scratch-failed-2023: ? scratch build 110011398 khal-0.11.2-1.fc38 OPEN->FAILED owner=dummy-user package=khal target=rawhide created=2023-06-08T12:08:06Z started=2023-06-08T12:08:06Z completed=2023-06-08T12:12:01Z
            task.state.change--plugin-scratch-open-2023: ? scratch build 110011364 python-atpublic FREE->OPEN owner=dummy-user package=python-atpublic target=rawhide created=2023-06-08T09:56:21Z started=2023-06-08T09:56:21Z completed=-
            task.state.change--scratch-closed-2020: ? scratch build 45270170 hello-0.74-1.20200601063010016064.fc31 OPEN->CLOSED owner=packit package=hello target=rawhide created=2020-06-01T06:30:47Z started=2020-06-01T06:30:47Z completed=2020-06-01T06:33:35Z [45270171 rebuildSRPM srpm CLOSED] [45270227 buildArch noarch CLOSED]
            untag--schema-autopen-epel8: ? untagged 1478431 python-twisted-19.10.0-2.el8 tag=epel8-signing-pending user=autopen owner=eclipseo
        "#]],
        );
    }
}

#[test]
fn fedmsg_of_2012_to_2021_is_understood() {
    if let Some(folder) = shared("samples/fedmsg") {
        check(
            &folder,
            expect![[r#"
            build.state.change--building-pyOpenSSL-2017: 2017-09-05T20:24:31Z build 966570 pyOpenSSL-17.1.0-2.module_bd16c34d -->BUILDING owner=mbs/mbs.fedoraproject.org task=21666212 target=module-bd16c34dc439bb63 created=- started=- completed=-
            build.state.change--building-python-isort-2017: 2017-09-05T20:24:11Z build 966569 python-isort-4.2.15-2.module_bd16c34d -->BUILDING owner=mbs/mbs.fedoraproject.org task=21666215 target=module-bd16c34dc439bb63 created=- started=- completed=-
            build.state.change--building-recycled-2014: 2013-01-31T03:59:32.178867Z build 12345 eclipse-ptp-6.0.3-1.fc19 FAILED->BUILDING owner=ralph task=4642 target=- created=- started=- completed=-
            build.state.change--building-slf4j-2017: 2017-09-05T20:24:33Z build 966572 slf4j-1.7.25-2.module_bd16c34d -->BUILDING owner=mbs/mbs.fedoraproject.org task=21666264 target=module-bd16c34dc439bb63 created=- started=- completed=-
            build.state.change--canceled-old-equals-new: 2015-02-24T14:54:58Z build 614503 plasma-systemsettings-5.2.1-1.fc23 CANCELED->CANCELED owner=dvratil task=9053697 target=- created=- started=- completed=-
            build.state.change--complete-amqp-bridge-2021: 2021-12-08T16:00:02Z build 1864700 packit-0.43.0-1.fc36 BUILDING->COMPLETE owner=packit task=79721403 target=rawhide created=- started=- completed=-
            build.state.change--complete-python-ply-2017: 2017-09-05T20:24:32Z build 966557 python-ply-3.9-4.module_bd16c34d BUILDING->COMPLETE owner=mbs/mbs.fedoraproject.org task=21666168 target=module-bd16c34dc439bb63 created=- started=- completed=-
            build.state.change--failed-instance-s390: not for us: another hub
            package.list.change--2013: not for us: topic package.list.change
            repo.done--instance-arm-no-tag: not for us: topic repo.done
            repo.init--2012: not for us: topic repo.init
            rpm.sign--a-2017: not for us: topic rpm.sign
            rpm.sign--c-2017: not for us: topic rpm.sign
            rpm.sign--legacy-attribute-form: not for us: topic rpm.sign
            tag--autopen-2017: 2017-09-05T20:24:07Z tagged 966549 template-glib-3.25.92-1.fc28 tag=f28 user=autopen owner=yaneti
            tag--by-bodhi-2012: 2013-01-31T03:37:49.21164Z tagged - stage-4.1.1-3.fc18 tag=f18-updates-testing-pending user=bodhi owner=ralph
            task.state.change--closed-koschei-2017: 2017-09-05T20:24:14Z scratch build 21665761 jetty-9.4.6-2.v20170531.fc27 OPEN->CLOSED owner=koschei package=jetty target=f28 created=2017-09-05T19:52:11Z started=2017-09-05T19:52:12Z completed=2017-09-05T20:24:14Z [21665762 buildArch noarch CLOSED]
            task.state.change--failed-2014: 2014-01-09T20:15:12Z scratch build 6380373 python-websocket-client-0.12.0-1.fc20 OPEN->FAILED owner=ralph package=python-websocket-client target=- created=- started=- completed=-
            task.state.change--open-stg-2014: 2014-01-09T20:09:55Z scratch build 6380373 python-websocket-client-0.12.0-1.fc20 FREE->OPEN owner=ralph package=python-websocket-client target=- created=- started=- completed=-
            untag--by-bodhi-2012: 2013-01-31T18:02:25.774982Z untagged - globus-gram-job-manager-sge-1.5-2.fc16 tag=f16-updates-pending user=bodhi owner=ralph
        "#]],
        );
    }
}

#[test]
fn states_come_as_numbers_floats_text_and_names() {
    check_build(
        &[
            r#"old: 0, new: 1"#,
            r#"old: 0.0, new: 1.0"#,
            r#"old: "0", new: "1""#,
            r#"old: "BUILDING", new: "COMPLETE""#,
            r#"old: 3, new: 0"#,
            r#"old: 4, new: 0"#,
            r#"old: 4, new: 4"#,
            r#"old: 99, new: 1"#,
            r#"old: {"odd": 1}, new: 1"#,
            r#"old: 0, new: 2"#,
            r#"old: 0, new: 5"#,
            r#"old: 0, new: 1.5"#,
            r#"old: 0, new: "PROMOTED""#,
            r#"old: 0, new: 1e99"#,
            r#"old: 0, new: null"#,
            r#"old: 0, new: true"#,
            r#"old: 0, new: [1]"#,
            r#"attribute: "owner_id", old: 1.5, new: {"odd": []}"#,
            r#"attribute: "completion_ts", old: null, new: 1795195545.5"#,
            r#"attribute: "volume_id""#,
            r#"attribute: "something_new""#,
            r#"attribute: 7"#,
            r#"attribute: null"#,
        ],
        expect![[r#"
            old: 0, new: 1
                as usual
            old: 0.0, new: 1.0
                as usual
            old: "0", new: "1"
                as usual
            old: "BUILDING", new: "COMPLETE"
                as usual
            old: 3, new: 0
                FAILED->BUILDING
            old: 4, new: 0
                CANCELED->BUILDING
            old: 4, new: 4
                CANCELED->CANCELED
            old: 99, new: 1
                -->COMPLETE
            old: {"odd": 1}, new: 1
                -->COMPLETE
            old: 0, new: 2
                BUILDING->DELETED
            old: 0, new: 5
                not for us: state from the future
            old: 0, new: 1.5
                not for us: state from the future
            old: 0, new: "PROMOTED"
                not for us: state from the future
            old: 0, new: 1e99
                not for us: state from the future
            old: 0, new: null
                malformed: the body is not as expected: new is no state
            old: 0, new: true
                malformed: the body is not as expected: new is no state
            old: 0, new: [1]
                malformed: the body is not as expected: new is no state
            attribute: "owner_id", old: 1.5, new: {"odd": []}
                not for us: attribute owner_id
            attribute: "completion_ts", old: null, new: 1795195545.5
                not for us: attribute completion_ts
            attribute: "volume_id"
                not for us: attribute volume_id
            attribute: "something_new"
                not for us: another attribute
            attribute: 7
                not for us: another attribute
            attribute: null
                as usual
        "#]],
    );
}

#[test]
fn what_identifies_a_build_must_be_right() {
    check_build(
        &[
            r#"build_id: null"#,
            r#"build_id: 7.0"#,
            r#"build_id: "7""#,
            r#"build_id: -7"#,
            r#"build_id: 9223372036854775807"#,
            r#"build_id: 18446744073709551616"#,
            r#"build_id: 1e300"#,
            r#"build_id: "seven""#,
            r#"build_id: [7]"#,
            r#"task_id: null"#,
            r#"name: null"#,
            r#"name: """#,
            r#"name: true"#,
            r#"version: 5.3"#,
            r#"version: 5, release: 1.0"#,
            r#"version: 1e300"#,
            r#"version: [5]"#,
            r#"release: "1.fc43,draft_7""#,
            r#"release: "1.<b>\u202e\n\ud83d\ude00""#,
            r#"instance: null"#,
            r#"instance: "secondary""#,
            r#"instance: 7"#,
            r#"owner: null"#,
            r#"owner: 3199"#,
            r#"owner: "packagerbot/os-control01.example.org""#,
        ],
        expect![[r#"
            build_id: null
                -
            build_id: 7.0
                7
            build_id: "7"
                7
            build_id: -7
                malformed: the body is not as expected: build_id is no id
            build_id: 9223372036854775807
                9223372036854775807
            build_id: 18446744073709551616
                malformed: the body is not as expected: build_id is no id
            build_id: 1e300
                malformed: the body is not as expected: build_id is no id
            build_id: "seven"
                malformed: the body is not as expected: build_id is no id
            build_id: [7]
                malformed: the body is not as expected: build_id is no id
            task_id: null
                as usual
            name: null
                malformed: the body is not as expected: there is no name
            name: ""
                malformed: the body is not as expected: there is no name
            name: true
                malformed: the body is not as expected: there is no name
            version: 5.3
                hello-5.3-20261120172159.fc44
            version: 5, release: 1.0
                hello-5-1.0
            version: 1e300
                malformed: the body is not as expected: there is no version
            version: [5]
                malformed: the body is not as expected: there is no version
            release: "1.fc43,draft_7"
                hello-1.0-1.fc43,draft_7
            release: "1.<b>\u202e\n\ud83d\ude00"
                hello-1.0-1.<b>\u{202e}\n😀
            instance: null
                as usual
            instance: "secondary"
                not for us: another hub
            instance: 7
                not for us: another hub
            owner: null
                owner=-
            owner: 3199
                owner=-
            owner: "packagerbot/os-control01.example.org"
                owner=packagerbot/os-control01.example.org
        "#]],
    );
}

#[test]
fn what_decorates_a_build_may_be_odd() {
    check_build(
        &[
            r#"epoch: null"#,
            r#"epoch: "1""#,
            r#"epoch: {"odd": [1]}"#,
            r#"creation_time: "NOW""#,
            r#"creation_time: "2026-11-20 17:22:02.5", completion_time: 1795195545.25"#,
            r#"creation_time: ["odd"]"#,
            r#"request: null, task: null"#,
            r#"request: "<methodCall/>""#,
            r#"request: {"odd": 1}"#,
            r#"request: [null, 1, {"scratch": [1]}]"#,
            r#"request: ["Fedora-Cloud-Base", "43"], task: null"#,
            r#"request: ["Fedora-Cloud-Base", "43", ["x86_64"], "f43", "http://x/", {}], task: {"method": "image"}"#,
            r#"request: ["f43-kiwi", ["x86_64"], "git://x/descriptions.git", "."], task: {"method": "kiwiBuild"}"#,
            r#"request: [{"name": "cloud", "version": "43", "target": "f43"}], task: {"method": "indirectionimage"}"#,
            r#"request: ["vm", "git://x/mingw.git", "f43-win"], task: {"method": "winbuild"}"#,
            r#"request: ["git://x/a.git", {"name": "f43-maven"}], task: {"method": "wrapperRPM"}"#,
            r#"request: [{"__method__": "build", "src": "git://x/a.git", "target": "f44"}], task: {"method": "build"}"#,
            r#"request: ["git://x/a.git", null, {"repo_id": 7}]"#,
            r#"task: {"start_time": "2026-11-20 17:22:02", "children": null}"#,
            r#"task: {"children": [{"id": 1, "arch": "i386", "label": "i686", "method": "buildArch", "state": "FAILED"}]}"#,
            r#"task: {"children": [{"id": -1}, {"method": "x"}, {"id": "2", "state": 9, "result": "text"}]}"#,
            r#"task: {"children": [{"children": [{"id": 3, "children": [{"id": 4}]}], "id": 1}, {"id": 5, "result": [1]}]}"#,
            r#"task: []"#,
            r#"task: 9"#,
            r#"task: [9]"#,
            r#"task: "none""#,
            r#"task: {"children": [7]}"#,
            r#"task: {"children": {"id": 1}}"#,
            r#"task: {"children": "none"}"#,
            r#"task: {"children": true}"#,
            r#"task: {"children": [3, null, "x", [{"id": 1}], {"id": 2, "children": 1.5}, {"id": 3, "children": {}}]}"#,
            r#"task_id: -1"#,
            r#"task_id: "abc""#,
            r#"task_id: "abc", task: {"id": 9}"#,
            r#"task_id: null, task: {"id": -1}"#,
        ],
        expect![[r#"
            epoch: null
                as usual
            epoch: "1"
                as usual
            epoch: {"odd": [1]}
                as usual
            creation_time: "NOW"
                created=-
            creation_time: "2026-11-20 17:22:02.5", completion_time: 1795195545.25
                created=2026-11-20T17:22:02.5Z completed=2026-11-20T17:25:45.25Z
            creation_time: ["odd"]
                created=-
            request: null, task: null
                target=- started=-
            request: "<methodCall/>"
                as usual
            request: {"odd": 1}
                as usual
            request: [null, 1, {"scratch": [1]}]
                as usual
            request: ["Fedora-Cloud-Base", "43"], task: null
                target=- started=-
            request: ["Fedora-Cloud-Base", "43", ["x86_64"], "f43", "http://x/", {}], task: {"method": "image"}
                target=f43 started=-
            request: ["f43-kiwi", ["x86_64"], "git://x/descriptions.git", "."], task: {"method": "kiwiBuild"}
                target=f43-kiwi started=-
            request: [{"name": "cloud", "version": "43", "target": "f43"}], task: {"method": "indirectionimage"}
                target=f43 started=-
            request: ["vm", "git://x/mingw.git", "f43-win"], task: {"method": "winbuild"}
                target=f43-win started=-
            request: ["git://x/a.git", {"name": "f43-maven"}], task: {"method": "wrapperRPM"}
                target=f43-maven started=-
            request: [{"__method__": "build", "src": "git://x/a.git", "target": "f44"}], task: {"method": "build"}
                target=f44 started=-
            request: ["git://x/a.git", null, {"repo_id": 7}]
                as usual
            task: {"start_time": "2026-11-20 17:22:02", "children": null}
                started=2026-11-20T17:22:02Z
            task: {"children": [{"id": 1, "arch": "i386", "label": "i686", "method": "buildArch", "state": "FAILED"}]}
                started=- [1 buildArch i686 FAILED]
            task: {"children": [{"id": -1}, {"method": "x"}, {"id": "2", "state": 9, "result": "text"}]}
                started=- [2   ?]
            task: {"children": [{"children": [{"id": 3, "children": [{"id": 4}]}], "id": 1}, {"id": 5, "result": [1]}]}
                started=- [1   ?] [3   ?] [4   ?] [5   ?]
            task: []
                started=-
            task: 9
                started=-
            task: [9]
                started=-
            task: "none"
                started=-
            task: {"children": [7]}
                started=-
            task: {"children": {"id": 1}}
                started=-
            task: {"children": "none"}
                started=-
            task: {"children": true}
                started=-
            task: {"children": [3, null, "x", [{"id": 1}], {"id": 2, "children": 1.5}, {"id": 3, "children": {}}]}
                started=- [2   ?] [3   ?]
            task_id: -1
                as usual
            task_id: "abc"
                as usual
            task_id: "abc", task: {"id": 9}
                started=-
            task_id: null, task: {"id": -1}
                task=- started=-
        "#]],
    );
}

#[test]
fn tasks_of_every_age_are_understood() {
    let scm = r#""id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN""#;
    let made = r#"{"id": 8, "method": "buildSRPMFromSCM", "result": {"srpm": "tasks/8/8/bash-5.3-1.fc44.src.rpm"}}"#;
    check_bodies(
        "task.state.change",
        &[
            format!(r#"{{{scm}, "srpm": "bash-5.3-1.fc43.src.rpm"}}"#),
            format!(r#"{{{scm}, "srpm": "bash.git#0123"}}"#),
            format!(r#"{{{scm}}}"#),
            format!(r#"{{{scm}, "info": null}}"#),
            format!(r#"{{{scm}, "info": {{"request": "<methodCall/>"}}}}"#),
            format!(r#"{{{scm}, "info": {{"request": ["git://x/bash.git?#feature/x", "rawhide", {{}}]}}}}"#),
            format!(r#"{{{scm}, "info": {{"request": ["git://x/bash", "rawhide", {{"scratch": null}}]}}}}"#),
            format!(r#"{{{scm}, "info": {{"request": ["git://x/bash", "rawhide", {{"scratch": 1}}, 7]}}}}"#),
            format!(r#"{{{scm}, "info": {{"request": ["git://x/bash.git"], "children": [{made}]}}}}"#),
            format!(r#"{{{scm}, "info": {{"request": [{{"src": "a/bash.git", "opts": {{"scratch": true}}}}]}}}}"#),
            r#"{"old": 0, "new": "1", "info": {"id": 7, "method": "image", "owner": "mona",
                "request": ["cloud", "43", ["x86_64"], "f43", "x", {"scratch": true}]}}"#
                .to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": "kiwiBuild", "srpm": "f43-kiwi", "info": {"owner": 3199,
                "request": ["f43-kiwi", ["x86_64"], "git://x/descriptions.git", ".", {"scratch": true}]}}"#
                .to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": "buildContainer",
                "info": {"request": ["git://x/httpd.git", "f43", {"scratch": true}]}}"#
                .to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": "indirectionimage",
                "info": {"request": [{"name": "cloud", "version": "43", "target": "f43", "scratch": true}]}}"#
                .to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": "newRepo", "info": {"request": [2099, {"__starstar": true}]}}"#
                .to_owned(),
            r#"{"new": "ASLEEP", "id": 7, "method": "build"}"#.to_owned(),
            r#"{"attribute": "priority", "new": 5, "id": 7, "method": "build"}"#.to_owned(),
            r#"{"new": "OPEN", "method": "build"}"#.to_owned(),
            r#"{"new": "OPEN", "id": 7}"#.to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": {"__method__": "x"}}"#.to_owned(),
            r#"{"new": "OPEN", "id": -7, "method": "build"}"#.to_owned(),
            r#"{"new": "OPEN", "id": 7, "method": "build", "info": "none"}"#.to_owned(),
            r#"{"new": "CLOSED", "id": 7, "method": "build", "info": [7]}"#.to_owned(),
            r#"{"new": "CLOSED", "id": 7, "method": "build", "info": {"id": "x", "children": {}}}"#.to_owned(),
        ],
        expect![[r#"
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "srpm": "bash-5.3-1.fc43
                ? scratch build 7 bash-5.3-1.fc43 FREE->OPEN owner=mona package=bash target=- created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "srpm": "bash.git#0123"}
                ? scratch build 7 bash FREE->OPEN owner=mona package=bash target=- created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN"}
                ? scratch build 7 - FREE->OPEN owner=mona package=- target=- created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": null}
                ? scratch build 7 - FREE->OPEN owner=mona package=- target=- created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": "<me
                ? scratch build 7 - FREE->OPEN owner=mona package=- target=- created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": ["gi
                ? build 7 bash FREE->OPEN owner=mona package=bash target=rawhide created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": ["gi
                ? build 7 bash FREE->OPEN owner=mona package=bash target=rawhide created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": ["gi
                ? scratch build 7 bash FREE->OPEN owner=mona package=bash target=rawhide created=- started=- completed=-
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": ["gi
                ? build 7 bash-5.3-1.fc44 FREE->OPEN owner=mona package=bash target=- created=- started=- completed=- [8 buildSRPMFromSCM  ?]
            {"id": 7, "method": "build", "owner": "mona", "old": "FREE", "new": "OPEN", "info": {"request": [{"s
                ? scratch build 7 bash FREE->OPEN owner=mona package=bash target=- created=- started=- completed=-
            {"old": 0, "new": "1", "info": {"id": 7, "method": "image", "owner": "mona",                "reques
                ? scratch image 7 cloud-43 FREE->OPEN owner=mona package=cloud target=f43 created=- started=- completed=-
            {"new": "OPEN", "id": 7, "method": "kiwiBuild", "srpm": "f43-kiwi", "info": {"owner": 3199,        
                ? scratch kiwiBuild 7 descriptions -->OPEN owner=- package=descriptions target=f43-kiwi created=- started=- completed=-
            {"new": "OPEN", "id": 7, "method": "buildContainer",                "info": {"request": ["git://x/h
                ? scratch buildContainer 7 httpd-container -->OPEN owner=- package=httpd-container target=f43 created=- started=- completed=-
            {"new": "OPEN", "id": 7, "method": "indirectionimage",                "info": {"request": [{"name":
                ? scratch indirectionimage 7 cloud-43 -->OPEN owner=- package=cloud target=f43 created=- started=- completed=-
            {"new": "OPEN", "id": 7, "method": "newRepo", "info": {"request": [2099, {"__starstar": true}]}}
                ? newRepo 7 - -->OPEN owner=- package=- target=- created=- started=- completed=-
            {"new": "ASLEEP", "id": 7, "method": "build"}
                not for us: state from the future
            {"attribute": "priority", "new": 5, "id": 7, "method": "build"}
                not for us: another attribute
            {"new": "OPEN", "method": "build"}
                malformed: the body is not as expected: the task has no id
            {"new": "OPEN", "id": 7}
                malformed: the body is not as expected: the task has no method
            {"new": "OPEN", "id": 7, "method": {"__method__": "x"}}
                malformed: the body is not as expected: the task has no method
            {"new": "OPEN", "id": -7, "method": "build"}
                malformed: the body is not as expected: id is no id
            {"new": "OPEN", "id": 7, "method": "build", "info": "none"}
                ? scratch build 7 - -->OPEN owner=- package=- target=- created=- started=- completed=-
            {"new": "CLOSED", "id": 7, "method": "build", "info": [7]}
                ? scratch build 7 - -->CLOSED owner=- package=- target=- created=- started=- completed=-
            {"new": "CLOSED", "id": 7, "method": "build", "info": {"id": "x", "children": {}}}
                ? scratch build 7 - -->CLOSED owner=- package=- target=- created=- started=- completed=-
        "#]],
    );
}

#[test]
fn what_is_no_message_is_an_error() {
    let deep = format!(r#"{{"extra": {}{}}}"#, "[".repeat(64), "]".repeat(64));
    let quoted = format!(r#"{{"extra": "{}"}}"#, "[".repeat(100));
    let long = format!(r#"{{"name": "{}", "version": "1", "release": "1"}}"#, "é".repeat(257));
    let talk = format!(r#"{{"tag": "f43", "name": "{}"}} x"#, "secret ".repeat(100));
    check_bodies(
        "tag",
        &[
            String::new(),
            "null".to_owned(),
            "7".to_owned(),
            r#"["bash", "5.3", "1.fc43"]"#.to_owned(),
            r#"{"name": "bash", "version": "5.3", "release": "1.fc43"}"#.to_owned(),
            r#"{"name": "bash", "version": "5.3", "release": "1.fc43"} {}"#.to_owned(),
            r#"{"name": "bash", "version": "5.3", "release": "1.fc"#.to_owned(),
            r#"{"name": "bash", "name": "zsh", "version": "5.3", "release": "1.fc43"}"#.to_owned(),
            r#"{"name": "\ud83d", "version": "5.3", "release": "1.fc43"}"#.to_owned(),
            deep,
            quoted,
            long,
            talk,
        ],
        expect![[r#"

                not JSON: the body is not JSON: EOF while parsing a value at line 1 column 0
            null
                malformed: the body is not as expected: invalid type: null, expected an object at line 1 column 4
            7
                malformed: the body is not as expected: invalid type: integer `7`, expected an object at line 1 column 1
            ["bash", "5.3", "1.fc43"]
                malformed: the body is not as expected: invalid type: sequence, expected an object at line 1 column 0
            {"name": "bash", "version": "5.3", "release": "1.fc43"}
                ? tagged - bash-5.3-1.fc43 tag=- user=- owner=-
            {"name": "bash", "version": "5.3", "release": "1.fc43"} {}
                not JSON: the body is not JSON: trailing characters at line 1 column 57
            {"name": "bash", "version": "5.3", "release": "1.fc
                not JSON: the body is not JSON: EOF while parsing a string at line 1 column 51
            {"name": "bash", "name": "zsh", "version": "5.3", "release": "1.fc43"}
                malformed: the body is not as expected: duplicate field `name` at line 1 column 23
            {"name": "\ud83d", "version": "5.3", "release": "1.fc43"}
                not JSON: the body is not JSON: unexpected end of hex escape at line 1 column 17
            {"extra": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]
                too deep: the body is nested deeper than 64 levels
            {"extra": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                malformed: the body is not as expected: there is no name
            {"name": "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
                malformed: the body is not as expected: name is longer than 512 bytes
            {"tag": "f43", "name": "secret secret secret secret secret secret secret secret secret secret secret
                not JSON: the body is not JSON: trailing characters at line 1 column 728
        "#]],
    );
    let not_text = record("tag", b"{\"name\": \"\xff\"}");
    expect!["not UTF-8: the body is not UTF-8"].assert_eq(&summary(&not_text));
    let large = record("tag", &vec![b' '; MAX_BODY + 1]);
    expect!["too large: the body has 4194305 bytes, more than 4194304"].assert_eq(&summary(&large));
}

#[test]
fn an_error_quotes_little_of_the_message() {
    let body = format!(r#"{{"task": "{}"}}"#, "<b>\\n".repeat(1000));
    let error = heard(&record("build.state.change", body.as_bytes())).unwrap_err();
    let mut whole = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(it) = cause {
        write!(whole, ": {it}").unwrap();
        cause = it.source();
    }
    assert!(whole.len() < 200, "{whole}");
    assert!(!whole.contains('\n'), "{whole}");
}

#[test]
fn every_form_of_a_recording_tells_the_same() {
    let at = "2026-11-20T17:22:11Z";
    let body =
        r#"{"build_id": 1, "name": "hello", "version": "1.0", "release": "1.fc44", "tag": "f44", "owner": "alice"}"#;
    let text = serde_json::to_string(body).unwrap();
    let topic = "org.fedoraproject.prod.buildsys.tag";
    let headers =
        format!(r#"{{"sent-at": "{at}", "fedora_messaging_user_alice": true, "fedora_messaging_rpm_hello": true}}"#);
    let seconds = "1795195331.0";
    let ours = format!(r#"{{"topic": "{topic}", "headers": {headers}, "message_id": "m", "body": {body}}}"#);
    let fedmsg = format!(r#"{{"topic": "{topic}", "timestamp": {seconds}, "msg_id": "m", "i": 1, "msg": {body}}}"#);
    let log = |body: &str| {
        let delivery = format!(r#""captured_at": 1795195331.5, "deliver": {{"routing_key": "{topic}"}}"#);
        format!(r#"{{{delivery}, "properties": {{"headers": {headers}, "message_id": "m"}}, {body}}}"#)
    };
    let forms = [
        ours.clone(),
        format!("[\n {ours}\n]\n"),
        format!("\n\n{ours}\n\n"),
        format!(r#"{{"topic": "{topic}", "headers": {headers}, "message_id": "m", "body": {text}, "at": "{at}"}}"#),
        log(&format!(r#""body_json": {body}"#)),
        log(&format!(r#""body_text": {text}, "body_json": {{"other": 1}}"#)),
        format!(
            r#"{{"id": "a/name", "bus": "x", "topic": "{topic}", "topic_inferred": true, "headers": null,
                "properties": {{"message_id": "m"}}, "body": {body}, "origin": {{}}}}"#
        ),
        format!(
            r#"{{"id": "a/name", "bus": "x", "topic": "{topic}", "headers": null,
                "properties": {{"msg_id": "m", "timestamp": {seconds}}}, "body": {body}, "origin": {{}}}}"#
        ),
        format!(r#"{{"topic": "{topic}", "id": "m", "headers": {headers}, "body": {body}}}"#),
        format!(
            r#"{{"count": 1, "raw_messages": [{{"topic": "{topic}", "id": "m", "headers": {headers}, "body": {body}}}]}}"#
        ),
        fedmsg.clone(),
        format!(r#"{{"raw_messages": [{fedmsg}], "total": 1}}"#),
    ];
    let mut told = String::new();
    for form in &forms {
        for record in records(form.as_bytes(), "form").unwrap() {
            assert_eq!(record.message_id.as_deref(), Some("m"), "{form}");
            let names = |it: &BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join(" ");
            let at = record.at.map_or_else(|| "-".to_owned(), |it| it.to_string());
            let (users, packages) = (names(&record.users), names(&record.packages));
            writeln!(told, "{at} ({users}) ({packages}) {}", summary(&record)).unwrap();
        }
    }
    expect![[r#"
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11.5Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11.5Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        - () () ? tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z () () 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z (alice) (hello) 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z () () 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
        2026-11-20T17:22:11Z () () 2026-11-20T17:22:11Z tagged 1 hello-1.0-1.fc44 tag=f44 user=- owner=alice
    "#]]
    .assert_eq(&told);
}

#[test]
fn both_buses_tell_the_same_story() {
    let messages = lab();
    assert_eq!(messages.len(), 40);
    for record in messages {
        let topic = &record.topic;
        let body = std::str::from_utf8(&record.body).unwrap();
        let headers = r#"{"sent-at": "2026-11-20T17:22:11+00:00"}"#;
        let today = format!(r#"{{"topic": "{topic}", "headers": {headers}, "body": {body}}}"#);
        let fedmsg = format!(r#"{{"topic": "{topic}", "timestamp": 1795195331.0, "i": 7, "msg": {body}}}"#);
        let [today, fedmsg] = [today, fedmsg].map(|it| records(it.as_bytes(), "form").unwrap());
        assert_eq!(heard(&today[0]).unwrap(), heard(&fedmsg[0]).unwrap());
    }
}

#[test]
fn the_newest_message_of_datagrepper_comes_last() {
    let message = |at: &str| {
        format!(r#"{{"topic": "a.buildsys.tag", "headers": {{"sent-at": "{at}"}}, "id": "{at}", "body": {{}}}}"#)
    };
    let answer = ["2026-11-20T17:22:13Z", "2026-11-20T17:22:12Z", "2026-11-20T17:22:11Z"]
        .map(message)
        .join(", ");
    let records = records(format!(r#"{{"raw_messages": [{answer}]}}"#).as_bytes(), "answer").unwrap();
    let seconds: Vec<&str> = records.iter().map(|it| it.message_id.as_deref().unwrap()).collect();
    assert_eq!(
        seconds,
        ["2026-11-20T17:22:11Z", "2026-11-20T17:22:12Z", "2026-11-20T17:22:13Z"]
    );
}

#[test]
fn a_broken_recording_is_told_with_file_and_line() {
    let good = r#"{"topic": "a.buildsys.tag", "body": {}}"#;
    let files = [
        String::new(),
        "\n  \n".to_owned(),
        format!("{good}\n{good}"),
        "{\n\"topic\": \"a\", \"body\": {}\n}\n{\n\"topic\": \"a\", \"body\": {}\n}".to_owned(),
        format!("{good}\n{good}\n\n{{broken\n{good}"),
        format!("{good}\n{{\"topic\": \"a\"}}\n"),
        format!("{good}\n7\n"),
        format!("{good} trailing"),
        format!("[\n{good},\n\n{{\"body\": {{}}}}\n]"),
        format!("[\n{good},\n"),
        format!("{{\n\"raw_messages\": [\n{good},\n{{}}]}}"),
        r#"{"topic": "a", "body": {}, "at": "yesterday"}"#.to_owned(),
        "{\n\"topic\": \"a\",\n\"topic\": \"b\"}".to_owned(),
        "plain text".to_owned(),
    ];
    let mut told = String::new();
    for file in &files {
        match records(file.as_bytes(), "day.jsonl") {
            Ok(records) => writeln!(told, "{} records", records.len()).unwrap(),
            Err(error) => writeln!(told, "{error}").unwrap(),
        }
    }
    expect![[r#"
        0 records
        0 records
        2 records
        2 records
        day.jsonl, line 4: not JSON: key must be a string
        day.jsonl, line 2: not a recorded message: expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        day.jsonl, line 2: not a recorded message: invalid type: integer `7`, expected an object; expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        day.jsonl, line 1: not JSON: expected ident
        day.jsonl, line 4: not a recorded message: expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        day.jsonl, line 3: not JSON: EOF while parsing a value
        day.jsonl, line 4: not a recorded message: expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        day.jsonl, line 1: not a recorded message: at is no time; expected RFC 3339
        day.jsonl, line 3: not a recorded message: duplicate field `topic`; expected topic and body, deliver.routing_key and body_text, topic and msg, or raw_messages
        day.jsonl, line 1: not JSON: expected value
    "#]].assert_eq(&told);
}

#[test]
fn a_reader_goes_on_after_a_broken_line() {
    let good = r#"{"topic": "a.buildsys.tag", "body": {}}"#;
    let text = format!("{good}\n{{\"topic\": \n{good}\n\n[]\n{{}}\n{good}");
    let read: Vec<_> = Reader::new(text.as_bytes(), "day.jsonl").collect();
    let told: Vec<bool> = read.iter().map(Result::is_ok).collect();
    assert_eq!(told, [true, false, true, false, true]);
}

#[test]
fn a_tag_is_cut_and_a_name_is_not() {
    let body = |field: &str| {
        let long = "x".repeat(2 * MAX_TEXT);
        let body = r#"{"name": "bash", "version": "5.3", "release": "1.fc43", "tag": "f43", "owner": "mona"}"#;
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let mut value = value.as_object().unwrap().clone();
        value.insert(field.to_owned(), long.into());
        record("tag", &serde_json::to_vec(&value).unwrap())
    };
    let Ok(Decoded::News {
        event: HubEvent::Changed(Change::Tag(change)),
        ..
    }) = heard(&body("tag"))
    else {
        panic!("a long tag is cut");
    };
    assert_eq!(change.tag.unwrap().len(), MAX_TEXT);
    for field in ["name", "version", "release", "owner"] {
        assert_eq!(heard(&body(field)).unwrap_err().kind(), "malformed", "{field}");
    }
}

#[test]
fn children_are_bounded_at_any_depth() {
    let wide = vec![r#"{"id": 1, "method": "buildArch"}"#; 2 * MAX_CHILDREN].join(",");
    let nested = vec![format!(r#"{{"id": 2, "children": [{wide}]}}"#); 4].join(",");
    let body =
        format!(r#"{{"new": 1, "name": "a", "version": "1", "release": "1", "task": {{"children": [{nested}]}}}}"#);
    let heard = heard(&record("build.state.change", body.as_bytes())).unwrap();
    let Decoded::News {
        event: HubEvent::Changed(Change::Build(change)),
        ..
    } = heard
    else {
        panic!("{heard:?}");
    };
    assert_eq!(change.children.len(), MAX_CHILDREN);
}

#[test]
fn a_topic_of_somebody_else_is_not_for_us() {
    let body = br#"{"name": "bash", "version": "5.3", "release": "1.fc43"}"#;
    let told = |prefix: &str, topic: &str| {
        let dialect = Dialect::FedoraMessaging {
            topic_prefix: prefix.to_owned(),
            koji_instance: "primary".to_owned(),
        };
        let envelope = Envelope {
            topic,
            message_id: None,
            sent_at: None,
            body,
            ..Envelope::default()
        };
        match decode(&dialect, &envelope).unwrap() {
            Decoded::News { .. } => "news",
            Decoded::NotForUs(reason) => reason,
        }
    };
    let ours = "org.fedoraproject.prod";
    assert_eq!(told(ours, "org.fedoraproject.prod.buildsys.tag"), "news");
    assert_eq!(told(ours, "org.fedoraproject.stg.buildsys.tag"), "another topic prefix");
    assert_eq!(
        told(ours, "org.fedoraproject.production.buildsys.tag"),
        "another topic prefix"
    );
    assert_eq!(
        told(ours, "org.fedoraproject.prod.bodhi.update.tag"),
        "another topic prefix"
    );
    assert_eq!(told(ours, "org.fedoraproject.prod.buildsys.tag.extra"), "another topic");
    assert_eq!(told("", "org.centos.prod.buildsys.tag"), "news");
    assert_eq!(told("", "buildsys.tag"), "another topic prefix");
    assert_eq!(told("", ""), "another topic prefix");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(event in "(build|task)\\.state\\.change|(un)?tag", body in vec(any::<u8>(), 0..200)) {
        let _answer = heard(&record(&event, &body));
        let _answer: Vec<_> = Reader::new(body.as_slice(), "bytes").collect();
    }

    #[test]
    fn no_change_of_a_real_message_makes_it_panic(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<Index>(), select(PIECES)), 1..6),
    ) {
        let messages = lab();
        let mut record = which.get(&messages).clone();
        for (from, length, piece) in changes {
            let from = from.index(record.body.len() + 1);
            let end = (from + length.index(20)).min(record.body.len());
            record.body.splice(from..end, piece.bytes());
        }
        if let Err(error) = heard(&record) {
            prop_assert!(error.to_string().len() < 400, "{error}");
        }
    }

    #[test]
    fn no_other_value_in_a_real_message_makes_it_panic(
        which in any::<Index>(),
        place in any::<Index>(),
        piece in select(PIECES),
    ) {
        let messages = lab();
        let mut record = which.get(&messages).clone();
        let mut body: serde_json::Value = serde_json::from_slice(&record.body).unwrap();
        let count = places(&mut body, &mut |_| {});
        let place = place.index(count);
        let mut at = 0;
        let value = serde_json::from_str(piece).unwrap_or_else(|_| piece.into());
        places(&mut body, &mut |it| {
            if at == place {
                *it = serde_json::Value::clone(&value);
            }
            at += 1;
        });
        record.body = serde_json::to_vec(&body).unwrap();
        let _answer = heard(&record);
    }
}

/// Compares what becomes of a good message when some of its fields are replaced: the words that are different.
fn check_build(changes: &[&str], expected: Expect) {
    let good = std::fs::read(fixtures().join("lab/05-build-building-to-complete.json")).unwrap();
    let good: serde_json::Value = serde_json::from_slice(&good).unwrap();
    let mut good = good["body_json"].as_object().unwrap().clone();
    good["task"]["children"].as_array_mut().unwrap().clear();
    let usual = summary(&record("build.state.change", &serde_json::to_vec(&good).unwrap()));
    let mut told = String::new();
    for change in changes {
        // The names of fields are written without quotes, to be read more easily.
        let mut json = format!("{{{change}}}");
        for field in good.keys() {
            json = json.replace(&format!("{{{field}: "), &format!("{{\"{field}\": "));
            json = json.replace(&format!(", {field}: "), &format!(", \"{field}\": "));
        }
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&json).unwrap();
        let body = good.iter().map(|(field, value)| {
            let value = fields
                .get(field)
                .map_or_else(|| value.to_string(), |it| it.get().to_owned());
            format!("\"{field}\": {value}")
        });
        let body = format!("{{{}}}", body.collect::<Vec<_>>().join(", "));
        let summary = summary(&record("build.state.change", body.as_bytes()));
        writeln!(told, "{change}\n    {}", difference(&usual, &summary)).unwrap();
    }
    expected.assert_eq(&told);
}

fn difference(usual: &str, summary: &str) -> String {
    if !summary.starts_with("? build") {
        return summary.to_owned();
    }
    let mut usual = usual.split(' ');
    let words: Vec<&str> = summary.split(' ').filter(|it| Some(*it) != usual.next()).collect();
    if words.is_empty() {
        return "as usual".to_owned();
    }
    words.join(" ")
}

/// Compares what bodies say.
fn check_bodies(event: &str, bodies: &[String], expected: Expect) {
    let mut told = String::new();
    for body in bodies {
        let short: String = body.chars().take(100).filter(|it| *it != '\n').collect();
        writeln!(told, "{short}\n    {}", summary(&record(event, body.as_bytes()))).unwrap();
    }
    expected.assert_eq(&told);
}

fn record(event: &str, body: &[u8]) -> Record {
    Record {
        topic: format!("org.fedoraproject.prod.buildsys.{event}"),
        body: body.to_owned(),
        ..Record::default()
    }
}

/// Compares what the messages of a folder say, one line each.
fn check(folder: &Path, expected: Expect) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "json"));
    files.sort();
    assert!(!files.is_empty());
    let mut told = String::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        for record in records(&std::fs::read(&file).unwrap(), name).unwrap() {
            writeln!(told, "{name}: {}", summary(&record)).unwrap();
        }
    }
    expected.assert_eq(&told);
}

/// Returns what a message says in one line.
fn summary(record: &Record) -> String {
    match heard(record) {
        Ok(Decoded::News { sent, event, .. }) => {
            let change = event.into_change().unwrap();
            let sent = sent.map_or_else(|| "?".to_owned(), |it| it.to_string());
            format!("{sent} {}", line(&change))
        }
        Ok(Decoded::NotForUs(reason)) => format!("not for us: {reason}"),
        Err(error) => format!("{}: {error}", error.kind()),
    }
}

fn heard(record: &Record) -> Result<Decoded, koji_notify::bus::decode::DecodeError> {
    let dialect = Dialect::FedoraMessaging {
        topic_prefix: String::new(),
        koji_instance: "primary".to_owned(),
    };
    let envelope = Envelope {
        topic: &record.topic,
        message_id: record.message_id.as_deref(),
        sent_at: record.sent_at.as_deref(),
        body: &record.body,
        ..Envelope::default()
    };
    decode(&dialect, &envelope)
}

/// Returns a change in one line.
pub(crate) fn line(change: &Change) -> String {
    let time = |it: Option<Timestamp>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "-".to_owned());
    match change {
        Change::Build(it) => format!(
            "build {} {} {}->{} owner={} task={} target={} created={} started={} completed={}{}",
            it.build.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            it.nvr.to_string().escape_debug(),
            it.old.map_or("-", |it| it.name()),
            it.new.name(),
            text(&it.owner),
            it.task.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            text(&it.target),
            time(it.created),
            time(it.started),
            time(it.completed),
            below(&it.children),
        ),
        Change::Task(it) => format!(
            "{}{} {} {} {}->{} owner={} package={} target={} created={} started={} completed={}{}",
            if it.scratch { "scratch " } else { "" },
            it.method,
            it.task,
            text(&it.what),
            it.old.map_or("-", |it| it.name()),
            it.new.name(),
            text(&it.owner),
            text(&it.package),
            text(&it.target),
            time(it.created),
            time(it.started),
            time(it.completed),
            below(&it.children),
        ),
        Change::Tag(it) => format!(
            "{} {} {} tag={} user={} owner={}",
            if it.added { "tagged" } else { "untagged" },
            it.build.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            it.nvr.to_string().escape_debug(),
            text(&it.tag),
            text(&it.user),
            text(&it.owner),
        ),
    }
}

fn below(children: &[Child]) -> String {
    let child = |it: &Child| {
        format!(
            " [{} {} {} {}]",
            it.task,
            it.method,
            it.arch,
            it.state.map_or("?", |it| it.name())
        )
    };
    children.iter().map(child).collect()
}

/// Returns our own recorded messages.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Returns a folder that is shared beside the checkout, or says that it is not there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KOJI_NOTIFY_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let folder = folder.join(path);
    if !folder.exists() {
        eprintln!("SKIPPED: {} is not there (KOJI_NOTIFY_SHARED)", folder.display());
        return None;
    }
    Some(folder)
}

/// What is put into real messages to break them.
const PIECES: &[&str] = &[
    "",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "1.5",
    "18446744073709551616",
    "\u{0}",
    "\"\\ud800\"",
    "\u{202e}",
    "[[[[[[[[[[",
    "{\"id\":",
    "{\"a\":{\"a\":[{}]}}",
    "\"NOW\"",
    "\"state\"",
    "\"FAILED\"",
    "3",
    "\"2026-11-20 17:22:11\"",
    "\"-262144-01-01T00:00:00Z\"",
    "99999999999999999999.0",
    "[\"x\",null]",
    "\"\"",
    "\"é\"",
];

/// Shows every value inside a value, and returns how many there are.
fn places(value: &mut serde_json::Value, see: &mut impl FnMut(&mut serde_json::Value)) -> usize {
    let below = match value {
        serde_json::Value::Array(list) => list.iter_mut().map(|it| places(it, see)).sum(),
        serde_json::Value::Object(map) => map.values_mut().map(|it| places(it, see)).sum(),
        _ => 0,
    };
    see(value);
    below + 1
}

/// Returns the messages of our lab that are read, not only recognised.
fn lab() -> Vec<Record> {
    static LAB: LazyLock<Vec<Record>> = LazyLock::new(|| {
        let mut files: Vec<PathBuf> = std::fs::read_dir(fixtures().join("lab"))
            .unwrap()
            .map(|it| it.unwrap().path())
            .filter(|it| it.extension().is_some_and(|it| it == "json"))
            .collect();
        files.sort();
        let read = |it: PathBuf| records(&std::fs::read(it).unwrap(), "lab").unwrap();
        let messages = files.into_iter().flat_map(read);
        messages
            .filter(|it| matches!(heard(it), Ok(Decoded::News { .. })))
            .collect()
    });
    LAB.clone()
}

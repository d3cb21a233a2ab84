# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Functions that the scripts share. Source this from the top of the clone: cd "$(dirname "$0")/.." first.

# set | probe: a command, pc:pkg-config name, py:Python module, or clang-rt | Debian, Ubuntu | Fedora, EL | what for
readonly PACKAGES="
build|cc|gcc libc6-dev|gcc|compiles C
build|cmake|cmake|cmake|plans the build
build|ninja|ninja-build|ninja-build|runs the build
build|pkg-config|pkg-config|pkgconf-pkg-config|finds the libraries
build|pc:libssl|libssl-dev|openssl-devel|TLS
build|pc:yaml-0.1|libyaml-dev|libyaml-devel|reads the configuration
build|pc:jansson|libjansson-dev|jansson-devel|writes JSON
build|pc:libseccomp|libseccomp-dev|libseccomp-devel|restricts the system calls
build|pc:libedit|libedit-dev|libedit-devel|edits lines at the prompt
build|openssl|openssl|openssl|makes certificates
test|pc:check|check|check-devel|runs the unit tests
test|python3|python3|python3|runs the integration tests
test|file:/etc/services|netbase|setup|names of ports in the tests
test|py:yaml|python3-yaml|python3-pyyaml|parses the pipelines in the tests
test|socat|socat|socat|a client in the tests
test|gnutls-cli|gnutls-bin|gnutls-utils|a client in the tests
test|ncat|ncat|nmap-ncat|a client in the tests
test|nping|nmap|nmap|a client in the tests
test|curl|curl|curl|a client in the tests
test|haproxy|haproxy|haproxy|a proxy in front of the server in the tests
test|parallel|parallel|parallel|starts clients on several hosts in the tests
test|ip|iproute2|iproute|network namespaces in the tests
test|nft|nftables|nftables|middleboxes in the tests
test|ethtool|ethtool|ethtool|turns off segmentation offload in the tests
test|tshark|tshark|wireshark-cli|dissects packets in the tests
lint|clang-format|clang-format|clang-tools-extra|checks the format
lint|clang-tidy|clang-tidy|clang-tools-extra|looks for mistakes
lint|clang|clang|clang|compiles for clang-tidy
lint|shellcheck|shellcheck|ShellCheck|looks for mistakes in scripts
lint|codespell|codespell|codespell|looks for spelling mistakes
readers|cppcheck|cppcheck|cppcheck|looks for mistakes
readers|valgrind|valgrind|valgrind|looks for mistakes as a program runs
docs|doxygen|doxygen|doxygen|reads the headers' comments
fuzz|clang|clang|clang|compiles for libFuzzer
fuzz|clang-rt|libclang-rt-dev|compiler-rt|libFuzzer itself
fuzz|llvm-cov|llvm|llvm|measures the coverage of fuzzing
gate|valgrind|valgrind|valgrind|counts instructions
gate|python3|python3|python3|reads the counts
bench|python3|python3|python3|runs the rounds
bench|go|golang-go|golang|a peer: Go
bench|node|nodejs|nodejs|a peer: Node
bench|nginx|nginx-light libnginx-mod-stream|nginx nginx-mod-stream|a peer: nginx
bench|haproxy|haproxy|haproxy|a peer: haproxy
bench|stunnel|stunnel4|stunnel|a peer: stunnel
bench|socat|socat|socat|a peer: socat
mutate|clang|clang|clang|parses the sources
mutate|unshare|util-linux|util-linux|keeps mutants from the network
coverage|gcovr|gcovr|gcovr|measures the coverage of the tests
package|scdoc|scdoc|scdoc|writes the manual pages
package|mandoc|mandoc|mandoc|looks for mistakes in manual pages
package|dh|debhelper|debhelper|builds the Debian packages
package|dpkg-buildpackage|dpkg-dev|dpkg-dev|builds the Debian packages
package|fakeroot|fakeroot|fakeroot|builds the Debian packages
package|lintian|lintian|lintian|looks for mistakes in the Debian packages
package|blhc|blhc|blhc|looks for missing hardening flags
package|rpmbuild|rpm|rpm-build|builds the RPM packages
package|rpmlint|rpmlint|rpmlint|looks for mistakes in the RPM packages
package|systemd-analyze|systemd|systemd|scores the hardening of the unit
image|mmdebstrap|mmdebstrap|mmdebstrap|makes the base of the container image
image|buildah|buildah|buildah|builds the container image
image|runc|runc|runc|runs the container image
image|python3|python3|python3|runs the tests of the container image
image|openssl|openssl|openssl|makes certificates
image|curl|curl|curl|asks the probes of a pod
manifests|keepalived|keepalived|keepalived|reads its configuration
manifests|systemd-analyze|systemd|systemd|reads the units
manifests|npm|npm|npm|installs the schemas of Kubernetes
manifests|node|nodejs|nodejs|validates the Kubernetes manifests
machines|mmdebstrap|mmdebstrap|mmdebstrap|makes the systems that compile for other machines
boot|debootstrap|debootstrap|debootstrap|makes the systems that the packages are installed in
boot|systemd-nspawn|systemd-container|systemd-container|boots them
"

say() {
    echo "== $*"
}

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# show_help: prints the comment at the head of the script.
show_help() {
    sed -n '3,/^set /s/^# \{0,1\}//p' "$0"
}

# table LINES: those of NAME|WHAT, as columns.
table() {
    awk -F'|' 'NF { printf "    %-10s  %s\n", $1, $2 }' <<<"$1"
}

# check_preset NAME: before anything is made for it.
check_preset() {
    local presets
    presets=$(sed -n 's/.*"configurePreset": "\([a-z]*\)".*/\1/p' CMakePresets.json)
    grep -qx -- "$1" <<<"$presets" || die "no preset is called '$1'; there are: $(xargs <<<"$presets")"
}

# check_number NAME WORD: that the word is one, above 0.
check_number() {
    [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || die "$1 is a whole number above 0, and not '$2'"
}

# quietly LOG COMMAND...: the output goes to a file and is shown only if the command fails.
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        die "failed: $* (the lines above are from $log)"
    }
}

is_there() {
    case $1 in
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    py:*) python3 -c "import ${1#py:}" 2>/dev/null ;;
    file:*) [ -e "${1#file:}" ] ;;
    clang-rt) compgen -G "$(clang -print-resource-dir 2>/dev/null)/lib/*/libclang_rt.fuzzer*" >/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
    esac
}

# missing SETS: prints the lines of these sets whose packages are not installed.
missing() {
    local set probe apt dnf why
    while IFS='|' read -r set probe apt dnf why; do
        [[ " $* " == *" $set "* ]] || continue
        is_there "$probe" || echo "$set|$probe|$apt|$dnf|$why"
    done <<<"$PACKAGES"
}

# as_root COMMAND...
as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "run this as root, or install sudo: $*"
    fi
}

install_with_apt() {
    mkdir -p build
    quietly build/install.log as_root apt-get update -q
    # Before Debian 12 the runtime came with clang itself.
    apt-cache show libclang-rt-dev >/dev/null 2>&1 || set -- "${@/libclang-rt-dev/clang}"
    quietly build/install.log as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
}

install_with_dnf() {
    mkdir -p build
    as_root dnf install -q -y "$@" || die "dnf failed. On an Enterprise Linux some of these are in \
CRB and EPEL: dnf install epel-release && dnf config-manager --set-enabled crb"
}

# need SETS: installs the missing packages of these sets, after printing which ones and why.
need() {
    local tool column lines packages still
    [ -n "$(missing "$@")" ] || return 0
    if command -v apt-get >/dev/null; then
        tool=apt column=3
    elif command -v dnf >/dev/null; then
        tool=dnf column=4
    else
        missing "$@" | awk -F'|' '{ print "  " $2 ": " $5 }' >&2
        die "install the packages above: this script can do so only with apt-get or dnf"
    fi
    # Two scripts at once would fail on the package manager's locks. The second one finds nothing missing.
    exec 8</var/lib
    flock 8
    lines=$(missing "$@")
    if [ -n "$lines" ]; then
        say "installing missing packages with $tool:"
        awk -F'|' -v column="$column" '{ printf "   %-20s %s\n", $column, $5 }' <<<"$lines"
        mapfile -t packages < <(cut -d'|' -f"$column" <<<"$lines" | tr ' ' '\n' | sort -u)
        "install_with_$tool" "${packages[@]}"
    fi
    exec 8<&-
    still=$(missing "$@" | cut -d'|' -f2 | xargs)
    [ -z "$still" ] || die "still missing after the installation: $still"
}

# locked NAME COMMAND...: runs the command once no other run in this clone holds that lock.
locked() {
    mkdir -p build
    (
        flock -n 9 || {
            say "waiting for another run in this clone to finish with build/$1"
            flock 9
        }
        shift
        "$@"
    ) 9>"build/$1.lock"
}

build_alone() {
    local preset=$1
    shift
    quietly "build/$preset/configure.log" cmake --preset "$preset" "$@"
    quietly "build/$preset/build.log" cmake --build --preset "$preset" -j "$(nproc)"
}

# build PRESET [cmake's -D options]: once no other run in this clone builds it.
build() {
    local preset=$1
    shift
    check_preset "$preset"
    mkdir -p "build/$preset"
    locked "$preset/build" build_alone "$preset" "$@" || exit
}

build_targets_alone() {
    local preset=$1
    shift
    quietly "build/$preset/configure.log" cmake --preset "$preset"
    quietly "build/$preset/build.log" cmake --build --preset "$preset" -j "$(nproc)" --target "$@"
}

# build_only PRESET TARGET...: likewise.
build_only() {
    local preset=$1
    shift
    mkdir -p "build/$preset"
    locked "$preset/build" build_targets_alone "$preset" "$@" || exit
}

# Sanitizers of older compilers fail where the kernel randomizes memory maps by more bits than they expect.
without_randomness() {
    local bits
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
    if [ "$bits" -gt 28 ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

version() {
    sed -n 's/^project(tlsecho VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt
}

# reproducibly COMMAND...: runs it with the date of the last commit and a umask of 022.
reproducibly() {
    local date
    date=$(git log -1 --format=%ct 2>/dev/null) || die "run this in a git clone: git lists the files of the project"
    (
        umask 022
        SOURCE_DATE_EPOCH=$date "$@"
    )
}

# source_tarball FILE: packs the tracked files as they are now. Call it within `reproducibly`.
source_tarball() {
    git ls-files -z | LC_ALL=C tar --create --null --files-from=- --sort=name --format=gnu \
        --transform "s,^,tlsecho-$(version)/,S" --mtime="@$SOURCE_DATE_EPOCH" \
        --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w | xz -T1 >"$1"
    touch --date="@$SOURCE_DATE_EPOCH" "$1"
}

# The archive from which this machine installs its packages.
mirror() {
    # shellcheck disable=SC2016 # a variable of apt-get, not of the shell
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sed -n 1p
}

# sources RELEASE: the same archives for that release, as lines of sources.list.
sources() {
    local line
    line=$(. /etc/os-release && echo "s/ $VERSION_CODENAME/ $1/")
    # shellcheck disable=SC2016 # variables of apt-get, not of the shell
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Component: main' | sed "$line" | sort -u
}

# within ROOT COMMAND...: runs the command in that system without booting it.
within() {
    local root=$1
    shift
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
        LC_ALL=C.UTF-8 HOME=/root DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-}" "$@"
}

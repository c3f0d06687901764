#!/bin/sh
# Makes the certificates of the TLS tests again: ./make.sh (needs openssl 3). The result is committed.
set -eu
cd "$(dirname "$0")"
# Fixed dates, so that the tests pass for decades.
century='-startdate 20200101000000Z -enddate 21200101000000Z'
long_ago='-startdate 20000101000000Z -enddate 20010101000000Z'

authority() { # file name, common name
  certificate "$1" "$2" "$century" -selfsign -keyfile "$1.key" <<EXTENSIONS
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
EXTENSIONS
}

signed() { # file name, common name, dates, extension
  certificate "$1" "$2" "$3" -cert ca.crt -keyfile ca.key <<EXTENSIONS
basicConstraints = CA:FALSE
$4
EXTENSIONS
}

certificate() { # file name, common name, dates, how "openssl ca" shall sign; extensions on stdin
  name=$1 subject=$2 dates=$3
  shift 3
  cat > "$work/extensions"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj "/CN=$subject" -keyout "$name.key" -out "$work/$name.csr"
  # shellcheck disable=SC2086 # the dates are several words
  openssl ca -batch -notext -config "$work/ca.conf" -in "$work/$name.csr" -out "$name.crt" \
    -extfile "$work/extensions" $dates "$@"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: > "$work/index"
cat > "$work/ca.conf" <<CONF
[ca]
default_ca = tests
[tests]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
CONF

authority ca 'pgtrek test authority'
authority stranger 'pgtrek unrelated authority'
signed server localhost "$century" 'subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1'
signed other-name elsewhere.example "$century" 'subjectAltName = DNS:elsewhere.example'
signed expired localhost "$long_ago" 'subjectAltName = DNS:localhost,IP:127.0.0.1'
signed client postgres "$century" 'extendedKeyUsage = clientAuth'
# Their keys are not kept: nothing else is signed with them.
rm -f ca.key stranger.key

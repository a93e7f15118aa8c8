#!/bin/sh
# Writes src/guard/zones.rs from the time zone database's zone1970.tab:
#
#     sh src/guard/zones.sh /usr/share/zoneinfo/zone1970.tab > src/guard/zones.rs
#
# Codes of calling regions that the database puts under another country are added by hand.
set -eu
table=${1:?the path of zone1970.tab}
cat <<'HEAD'
//! The time zones of each country, in the order of their codes. Made by `zones.sh` from the
//! time zone database's `zone1970.tab`; a long flat table, not to be edited by hand.

/// Codes of ISO 3166 and names of zones. Zones that agree since 1970 are one.
#[rustfmt::skip]
pub(super) const ZONES: &[([u8; 2], &[&str])] = &[
HEAD
{
    awk -F '\t' '!/^#/ { count = split($1, codes, ","); for (i = 1; i <= count; i++) print codes[i], $3 }' "$table"
    # Ascension and Tristan da Cunha have numbers of their own beside Saint Helena's; Kosovo
    # has no code in ISO 3166.
    awk -F '\t' '!/^#/ && $1 ~ /(^|,)SH(,|$)/ { print "AC", $3; print "TA", $3 }' "$table"
    awk -F '\t' '!/^#/ && $1 ~ /(^|,)RS(,|$)/ { print "XK", $3 }' "$table"
} | LC_ALL=C sort -u | awk '
    $1 != code { if (code) print "]),"; code = $1; printf "    (*b\"%s\", &[\"%s\"", $1, $2; next }
    { printf ", \"%s\"", $2 }
    END { print "])," }'
echo '];'

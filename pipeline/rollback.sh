#!/bin/sh
# Takes the shop back to what it was before this run of Palier, newest step first.
# It needs a POSIX shell and coreutils: no Palier, no PHP, no network.
#
#   sh rollback.sh                take everything back, and open the shop again
#   sh rollback.sh --stay-closed  take everything back, but leave the maintenance page on
#   sh rollback.sh --list         say what would be taken back, and change nothing
#
# Stopped, killed or failed, it may be typed again: it goes on where it ended.
# Exit status: 0 taken back; 2 wrong usage; 6 somebody else is at it; 8 a step could not be taken back.
set -u
umask 077
unset CDPATH
trap '' HUP
PATH=${PATH-}:/usr/local/bin:/usr/bin:/bin

boot=
{ read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null

pause() { sleep 0.1 2>/dev/null || sleep 1; }

# When process $1 was started, in ticks since boot. Nothing: it is gone, or only a zombie of it is left.
started() {
    { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 0
    set -- ${stat##*) }
    case $1 in Z|X) return 0 ;; esac
    echo "${20}"
}

# Sets found: process $1, those of its session or group, and all that they started, without zombies.
members() {
    leader=$1 found=' ' grown=yes
    table=$(for file in /proc/[0-9]*/stat; do
        { read -r stat < "$file"; } 2>/dev/null && echo "${stat%% *} ${stat##*) }"
    done)
    while [ -n "$grown" ]; do
        grown=
        while read -r pid state parent group session rest; do
            case $state in Z|X) continue ;; esac
            case $found in *" $pid "*) continue ;; esac
            case " $leader$found" in
            *" $pid "* | *" $group "* | *" $session "* | *" $parent "*) found="$found$pid " grown=yes ;;
            esac
        done <<TABLE
$table
TABLE
    done
    found=${found# }
}

# Ends the processes that file $1 names (a /proc stat line, the boot, users of sudo) and waits until they are gone.
end_processes() {
    line='' born='' users=''
    [ -s "$1" ] && { read -r line; read -r born; read -r users; } < "$1"
    [ -n "$line" ] && [ "$born" = "$boot" ] || return 0
    process=${line%% *}
    set -- ${line##*) }
    current=$(started "$process")
    [ -z "$current" ] || [ "$current" = "${20}" ] || return 0
    tries=0
    members "$process"
    while [ -n "$found" ]; do
        [ "$tries" -lt 3000 ] || return 1
        if [ $((tries % 10)) -eq 0 ]; then
            signal=KILL
            [ "$tries" -gt 0 ] || signal=TERM
            kill -s "$signal" $found 2>/dev/null
            for user in $users; do sudo -n -u "$user" kill -s "$signal" $found >/dev/null 2>&1; done
        fi
        tries=$((tries + 1))
        pause
        members "$process"
    done
}

# Whoever reads this may be gone (a closed connection): a broken pipe must not end the undo.
say() { (printf '%s\n' "$*") 2>/dev/null; }

note() {
    { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >> undo.log; } 2>/dev/null
    say "$*"
}

# Hundredths of seconds since boot.
clock() {
    { read -r up rest < /proc/uptime; } 2>/dev/null || up=$(date +%s).00
    echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

me="$$:$(started $$):$boot:$(uname -n)"

# Is the process of claim $1 still there? On another machine nobody can tell, so: yes.
alive() {
    process=${1%%:*} rest=${1#*:}
    begun=${rest%%:*} rest=${rest#*:}
    [ "${rest#*:}" = "$(uname -n)" ] || return 0
    [ "${rest%%:*}" = "$boot" ] || return 1
    [ -n "$begun" ] && [ "$(started "$process")" = "$begun" ]
}

# Only one party undoes. A claim is a symbolic link (made and filled in one call); the highest number holds.
# That of a dead process is succeeded, and looked at once more in case it went away in between.
claim() {
    tries=0 holder=
    while [ "$tries" -lt 20 ]; do
        tries=$((tries + 1))
        mkdir undoing 2>/dev/null
        last=0 holder=
        while [ -L "undoing/$((last + 1))" ]; do last=$((last + 1)); done
        if [ "$last" -gt 0 ]; then
            holder=$(readlink "undoing/$last") || continue
            alive "$holder" && return 1
        fi
        next=undoing/$((last + 1))
        ln -s "$me" "$next" 2>/dev/null || continue
        [ "$last" -eq 0 ] && return 0
        [ "$(readlink "undoing/$last")" = "$holder" ] && return 0
        rm -f "$next"
    done
    holder=
    return 1
}

release() {
    rm -rf ".released.$$"
    mv undoing ".released.$$" 2>/dev/null
    rm -rf ".released.$$"
}

# Sets fragments: the names, newest first; closing: the number of the step that closed the shop.
look() {
    fragments='' closing=00
    for file in undo.d/[0-9][0-9]-*.sh; do
        [ -f "$file" ] || continue
        name=${file#undo.d/}
        name=${name%.sh}
        fragments="$name $fragments"
        case $name in 01-*) closing=01 ;; esac
    done
    { read -r closing < closed-by; } 2>/dev/null
    closing=${closing%%-*}
}

title() { sed -n 's/^# Takes back: //p' "undo.d/$1.sh" | head -n 1; }

# Sets waiting: the fragments that are still to be run in this mode.
remaining() {
    waiting=
    for name in $fragments; do
        [ -e "undone/$name" ] && continue
        [ "$mode" = closed ] && [ "${name%%-*}" -le "$closing" ] && continue
        waiting="$waiting$name "
    done
}

tell_remaining() {
    remaining
    say "Still to be taken back, in this order:"
    for name in $waiting; do say "    $name  ($(title "$name"))"; done
}

run_fragment() {
    out=undo.d/$1.log
    ( : > "$out" ) 2>/dev/null || out=/dev/null
    # A session of its own: Ctrl-C reaches this script, which then stops between two fragments and not inside one.
    detached=setsid
    command -v setsid >/dev/null 2>&1 || detached=
    $detached sh -c '
        { read -r stat < /proc/$$/stat && printf "%s\n%s\n" "$stat" "$1" > undoing/fragment; } 2>/dev/null
        exec sh "undo.d/$2.sh"
    ' palier "$boot" "$1" < /dev/null > "$out" 2>&1
    status=$?
    { sed 's/^/    | /' "$out" >> undo.log; } 2>/dev/null
    return "$status"
}

mode=all
case ${1-} in
'') ;;
--stay-closed) mode=closed ;;
--list) mode=list ;;
*)
    echo "usage: sh rollback.sh [--list | --stay-closed]" >&2
    exit 2 ;;
esac

cd -- "$(dirname -- "$0")" && [ -d undo.d ] || {
    echo "This is not the folder of a run: type  sh /the/whole/path/of/rollback.sh" >&2
    exit 2
}
here=$(pwd -P)
look

if [ "$mode" = list ]; then
    say "Run ${here##*/}. Newest first, these would be taken back:"
    for name in $fragments; do
        state='to do'
        [ -e "undone/$name" ] && state=done
        say "$name [$state] $(title "$name")"
    done
    exit 0
fi

already() {
    say "This run has already been taken back ($(cat rolled-back)). There is nothing left to do."
    exit 0
}

[ -e rolled-back ] && already
if [ -e superseded ]; then
    say "This run can no longer be taken back: its copies were given up when $(cat superseded) had opened."
    say "Nothing was changed."
    exit 8
fi

# Sets standing: the last promotion after this run that began and was not taken back. It stands on this one.
look_for_later() {
    passed='' standing=''
    for run in ../*-promote-*; do
        if [ -n "$passed" ] && [ ! -e "$run/rolled-back" ] && [ ! -e "$run/superseded" ]; then
            for file in "$run"/undo.d/[0-9][0-9]-*.sh; do [ ! -f "$file" ] || standing=${run##*/}; done
        fi
        [ "${run##*/}" != "${here##*/}" ] || passed=yes
    done
}

look_for_later
if [ -n "$standing" ]; then
    say "A later promotion stands on this one. Nothing was changed. Take that one back first:"
    say "    sh '${here%/*}/$standing/rollback.sh'"
    exit 8
fi
rm -f ballast
if ! claim; then
    if [ -z "$holder" ]; then
        say "The claim $here/undoing cannot be made: is the disk full, or are you another user than the run's?"
        exit 8
    fi
    say "Somebody else is taking this run back right now: process ${holder%%:*} on ${holder##*:}."
    say "Follow it with:  tail -f '$here/undo.log'"
    exit 6
fi
( : > halted ) 2>/dev/null || say "Warning: $here/halted cannot be written."
[ -e rolled-back ] && { release; already; }
mkdir undone 2>/dev/null

by=${PALIER_BY-"$(id -un) by hand"}
note "rollback of ${here##*/} begun by $by"
for file in running undoing/fragment; do
    end_processes "$file" || {
        note "rollback stopped: processes of the run are still at work and cannot be ended: $found"
        say "End them (perhaps as root), then type again:  sh '$here/rollback.sh'"
        release
        exit 8
    }
    rm -f "$file"
done

stopping=
trap 'stopping=yes' INT TERM
look
remaining
for name in $waiting; do
    if [ -n "$stopping" ]; then
        note "rollback stopped on request"
        tell_remaining
        say "To go on, type:  sh '$here/rollback.sh'"
        release
        exit 8
    fi
    note "undo $name begun"
    began=$(clock)
    if run_fragment "$name"; then
        ( : > "undone/$name" ) 2>/dev/null
        took=$(($(clock) - began))
        hundredths=$((took % 100))
        [ "$hundredths" -ge 10 ] || hundredths=0$hundredths
        note "undo $name ok $((took / 100)).$hundredths"
    else
        note "undo $name failed"
        say ""
        say "STOPPED. This step could not be taken back (status $status): $(title "$name")"
        tail -n 5 "$out" 2>/dev/null | while read -r line; do say "    | $line"; done
        tell_remaining
        say "The shop is left as it is now; if the maintenance page is on, it stays on."
        say "Read '$here/undo.d/$name.sh' and '$here/undo.log', mend the cause, then type again:"
        say "    sh '$here/rollback.sh'"
        release
        exit 8
    fi
done

if [ "$mode" = closed ]; then
    note "rollback done but for the maintenance page, which is still on"
    say "To open the shop, type:  sh '$here/rollback.sh'"
else
    { printf '%s by %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$by" > .rolled-back; } 2>/dev/null &&
        mv .rolled-back rolled-back || {
        say "Everything is taken back, and this cannot be written down in $here: is the disk full?"
        say "Make room, and type again, so that the run counts as taken back:  sh '$here/rollback.sh'"
    }
    note "rollback done: everything is as it was before this run"
    [ ! -e opened ] || say "Which orders were kept, and what is in stock:  palier statement SHOP ${here##*/}"
fi
release
exit 0

# What stands in a folder of a host: prints one "key<TAB>value" line for each fact. Reads only; starts no shop.
# $1: the document root.
root=$1
say() { [ -z "$2" ] || printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | head -n 1)"; }
first() { sed -n "$1" "$2" 2>/dev/null | head -n 1; }

say user "$(id -un)"
say home "$HOME"
say sh "$(command -v bash)"
say machine "$(cat /etc/machine-id 2>/dev/null || hostname)"

ps -eo user:64=,comm= 2>/dev/null | while read -r user program; do
    case $program in
        php-fpm* | apache2 | httpd | lsphp* | frankenphp) [ "$user" = root ] || printf 'web\t%s %s\n' "$user" "$program" ;;
    esac
done | sort -u
for name in $(ps -eo user:64=,comm= 2>/dev/null | sed -n 's/^\([^ ]*\) *\(php-fpm.*\|apache2\|httpd\|lsphp.*\)$/\1/p' | sort -u); do
    sudo -n -u "$name" -- true 2>/dev/null && say sudo "$name"
done
for program in php php8.5 php8.4 php8.3 php8.2 php8.1 php8.0 php7.4 php7.3 php7.2 php7.1 /usr/local/bin/php \
    /opt/plesk/php/*/bin/php /opt/cpanel/ea-php*/root/usr/bin/php /opt/remi/php*/root/usr/bin/php \
    /usr/local/php*/bin/php; do
    command -v "$program" >/dev/null 2>&1 || continue
    say php "$program $("$program" -n -r 'echo PHP_VERSION;' 2>/dev/null)"
done
# The PHP of the web server: a pool's name or its configuration says it, or the module that Apache loads.
ps -eo comm=,args= 2>/dev/null | sed -n -e 's/^php-fpm\([78]\.[0-9]\).*/web_php\t\1/p' \
    -e 's/^php-fpm.*master process (.*\/\([78]\.[0-9]\)\/.*/web_php\t\1/p' | sort -u
if ps -eo comm= 2>/dev/null | grep -qx apache2; then
    for file in /etc/apache2/mods-enabled/php[78].[0-9].load; do
        [ -e "$file" ] && say web_php "$(printf '%s' "$file" | sed 's/.*php\([0-9.]*\)\.load/\1/')"
    done
fi
# Ports that are taken, for the mail trap's, as hexadecimal numbers.
awk '$4 == "0A" { sub(/.*:/, "", $2); print "listens\t" $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u
for program in mariadb mysql rsync zstd tar sha256sum setsid; do
    command -v "$program" >/dev/null 2>&1 && say program "$program"
done

if [ ! -d "$root" ]; then
    [ -e "$root" ] && say root file || say root missing
    parent=$(dirname "$root")
    [ -d "$parent" ] && [ -w "$parent" ] && say parent writable
    exit 0
fi
if ! [ -r "$root" ] || ! [ -x "$root" ]; then
    say root closed
    exit 0
fi
say root folder
say real "$(cd -P -- "$root" && pwd)"
[ -z "$(ls -A "$root")" ] && say empty yes
say owner "$(stat -c %U "$root")"
[ -w "$root" ] && say writable yes
say free_kb "$(df -Pk "$root" | tail -n 1 | { read -r _ _ _ free _; printf '%s' "$free"; })"
[ -e "$root-staging" ] && say staging_taken yes

for file in wp-config.php ../wp-config.php app/config/parameters.php app/config/parameters.yml config/settings.inc.php \
    wp-includes/version.php wp-content/plugins/woocommerce/woocommerce.php wp-content/plugins/palier-shop \
    wp-content/object-cache.php app/AppKernel.php src/Core/Version.php classes/PrestaShopAutoload.php modules/ps_mbo; do
    [ -e "$root/$file" ] || continue
    say has "$file"
    [ -r "$root/$file" ] || say unreadable "$file"
done
say wordpress "$(first "s/^\$wp_version[ ]*=[ ]*'\([^']*\)'.*/\1/p" "$root/wp-includes/version.php")"
say woocommerce "$(first 's/^[ *]*Version:[ ]*\([^ ]*\).*/\1/p' "$root/wp-content/plugins/woocommerce/woocommerce.php")"
for file in src/Core/Version.php app/AppKernel.php config/settings.inc.php; do
    say prestashop "$(first "s/.*VERSION_\{0,1\}'\{0,1\}[ ]*[=,][ ]*'\([0-9][0-9.]*\)'.*/\1/p" "$root/$file")"
done
for folder in wp-content/uploads var/cache img; do
    [ -d "$root/$folder" ] && say writer "$(stat -c %U "$root/$folder")"
done

say requires_php "$(first "s/^\$required_php_version[ ]*=[ ]*'\([^']*\)'.*/\1/p" "$root/wp-includes/version.php")"
say requires_php "$(first 's/^[ *]*Requires PHP:[ ]*\([^ ]*\).*/\1/p' "$root/wp-content/plugins/woocommerce/woocommerce.php")"
# Where PHP's errors go: what the virtual host of this folder says, as far as this login may read it.
real=$(cd -P -- "$root" && pwd)
for file in /etc/apache2/sites-enabled/* /etc/httpd/conf.d/*.conf \
    $(ps -eo args= 2>/dev/null | sed -n 's/.*\(apache2\|httpd\) .*-f \([^ ]*\).*/\2/p' | sort -u); do
    [ -r "$file" ] && awk -v root="$root" -v real="$real" '
        function plain(word) { gsub(/^"|"$/, "", word); sub(/\/$/, "", word); return word }
        { text = $0; sub(/^[ \t]+/, "", text); split(text, words, /[ \t]+/); key = tolower(words[1]) }
        key ~ /^<virtualhost/ { own = log_of_php = log_of_apache = "" }
        key == "documentroot" { own = text; sub(/^[^ \t]+[ \t]+/, "", own); own = plain(own) }
        key == "errorlog" { log_of_apache = text; sub(/^[^ \t]+[ \t]+/, "", log_of_apache) }
        key ~ /^php(_admin)?_value/ && words[2] == "error_log" {
            log_of_php = text; sub(/^[^ \t]+[ \t]+error_log[ \t]+/, "", log_of_php) }
        key ~ /^<\/virtualhost/ && (own == root || own == real) {
            found = plain(log_of_php != "" ? log_of_php : log_of_apache)
            sub(/\$\{?APACHE_LOG_DIR\}?/, "/var/log/apache2", found)
            if (found ~ /^\//) print found }
    ' "$file" | while IFS= read -r log; do
        [ -r "$log" ] && say error_log "$log" || say closed_log "$log"
    done
done
for program in "$(command -v wp)" "$HOME/wp-cli.phar" "$HOME/bin/wp-cli.phar" "$root/../wp-cli.phar" "$root/wp-cli.phar" \
    /usr/local/bin/wp-cli.phar; do
    [ -n "$program" ] && [ -r "$program" ] && say wp_cli "$program"
done
exit 0

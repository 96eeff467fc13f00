# What stands in a folder of a host: prints one "key<TAB>value" line for each fact. Reads only; starts no shop.
# $1: the document root.
root=$1
say() { [ -z "$2" ] || printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | head -n 1)"; }
first() { sed -n "$1" "$2" 2>/dev/null | head -n 1; }

say user "$(id -un)"
say home "$HOME"
say sh "$(command -v bash)"
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

ps -eo user:64=,comm= 2>/dev/null | while read -r user program; do
    case $program in
        php-fpm* | apache2 | httpd | lsphp* | frankenphp) [ "$user" = root ] || printf 'web\t%s %s\n' "$user" "$program" ;;
    esac
done | sort -u
for name in $(ps -eo user:64=,comm= 2>/dev/null | sed -n 's/^\([^ ]*\) *\(php-fpm.*\|apache2\|httpd\|lsphp.*\)$/\1/p' | sort -u); do
    sudo -n -u "$name" -- true 2>/dev/null && say sudo "$name"
done
for program in php php8.4 php8.3 php8.2 php8.1 php8.0 php7.4; do
    command -v "$program" >/dev/null 2>&1 || continue
    say php "$program $("$program" -n -r 'echo PHP_VERSION;' 2>/dev/null)"
done
for program in "$(command -v wp)" "$HOME/wp-cli.phar" "$HOME/bin/wp-cli.phar" "$root/../wp-cli.phar" "$root/wp-cli.phar" \
    /usr/local/bin/wp-cli.phar; do
    [ -n "$program" ] && [ -r "$program" ] && say wp_cli "$program"
done
for program in mariadb mysql rsync zstd tar sha256sum setsid; do
    command -v "$program" >/dev/null 2>&1 && say program "$program"
done
exit 0

<?php
/** Fed to `php -- ROOT`: prints the version of the shop in ROOT, without booting it. */
foreach (array('/src/Core/Version.php', '/app/AppKernel.php', '/config/autoload.php', '/install/install_version.php') as $file) {
    $text = is_file($argv[1] . $file) ? file_get_contents($argv[1] . $file) : '';
    if (preg_match("/(?:const VERSION\s*=|_PS_VERSION_',)\s*'([0-9][0-9.]*[^']*)'/", $text, $found)) {
        echo $found[1];
        exit(0);
    }
}
file_put_contents('php://stderr', "no PrestaShop was recognised in {$argv[1]}\n");
exit(1);

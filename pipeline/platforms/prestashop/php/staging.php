<?php
/**
 * Written by Palier when it made this clone; config/config.inc.php includes it before everything else.
 *
 * Keeps the clone from harming anybody: what calls out reaches nobody. Mail goes to the trap by
 * the clone's settings. Raw sockets and SOAP cannot be stopped from within PHP.
 */
define('PALIER_STAGING', true);

// Where a host forbids putenv, curl cannot be stopped either: the leak test says so.
if (function_exists('putenv')) {
    foreach (array('http_proxy', 'https_proxy', 'all_proxy', 'HTTPS_PROXY', 'ALL_PROXY') as $palier_way) {
        putenv($palier_way . '=http://127.0.0.1:9'); // nobody listens there
    }
    putenv('no_proxy=');
    putenv('NO_PROXY=');
}

/** Streams (file_get_contents, fopen, copy) call nobody at all. */
final class PalierNobody
{
    public $context;

    public function stream_open($path, $mode, $options, &$opened)
    {
        if ($options & STREAM_REPORT_ERRORS) {
            trigger_error('Palier: this clone calls nobody', E_USER_WARNING);
        }

        return false;
    }

    public function url_stat($path, $flags)
    {
        return false;
    }
}
foreach (array('http', 'https', 'ftp', 'ftps') as $palier_way) {
    if (in_array($palier_way, stream_get_wrappers(), true)) {
        stream_wrapper_unregister($palier_way);
        stream_wrapper_register($palier_way, 'PalierNobody', STREAM_IS_URL);
    }
}
unset($palier_way);

// The password is the gate's, not PrestaShop's: its webservice would take it for a key of its own.
unset($_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REDIRECT_HTTP_AUTHORIZATION']);

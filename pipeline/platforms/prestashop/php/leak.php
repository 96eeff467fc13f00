<?php
/**
 * Fed to `php -- ROOT ADDRESS URL SUBJECT` on staging: tries the ways out that a module has, and tells as JSON what
 * came of it. Palier compares this with what its mail trap received and what its listener heard.
 */
list(, $root, $address, $url, $subject) = $argv;
error_reporting(0);
ini_set('display_errors', '0');
ob_start();
require $root . '/config/config.inc.php';
$context = Context::getContext();
$language = (int) Configuration::get('PS_LANG_DEFAULT');
$mail = Mail::Send($language, 'contact', $subject, array('{message}' => 'Palier leak test', '{email}' => $address,
    '{order_name}' => '-', '{attached_file}' => '-', '{firstname}' => '', '{lastname}' => '', '{product_name}' => ''), $address);

$curl = curl_init($url);
curl_setopt_array($curl, array(CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 5, CURLOPT_CONNECTTIMEOUT => 5));
curl_exec($curl);
$called = 0 === curl_errno($curl);
$fetched = false !== @file_get_contents($url, false, stream_context_create(array('http' => array('timeout' => 5))));
$sendmail = strtok((string) ini_get('sendmail_path'), ' ');
$prefix = _DB_PREFIX_;
$jobs = Db::getInstance()->executeS("SHOW TABLES LIKE '{$prefix}cronjobs'")
    ? (int) Db::getInstance()->getValue("SELECT COUNT(*) FROM {$prefix}cronjobs WHERE active = 1") : 0;
$rules = (string) @file_get_contents($root . '/.htaccess');
ob_end_clean();
echo json_encode(
    array(
        'mail' => (bool) $mail,
        'sendmail' => $sendmail && is_executable($sendmail) ? $sendmail : '',
        'http' => $called || $fetched ? 'sent' : 'refused',
        'cron' => $jobs ? 'on' : 'off',
        'indexed' => false === stripos($rules, 'noindex'),
        'environment' => defined('PALIER_STAGING') ? 'staging' : 'production',
        'url' => rtrim(Tools::getShopProtocol() . Tools::getShopDomain() . __PS_BASE_URI__, '/'),
    )
);

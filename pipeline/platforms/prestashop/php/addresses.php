<?php
/**
 * Fed to `php -- ROOT OLD NEW` on staging: rewrites OLD to NEW in every text column, serialised values with their
 * lengths, then has PrestaShop write its .htaccess. Prints, as its last word, how many values changed.
 */
list(, $root, $old, $new) = $argv;
$own = (require $root . '/app/config/parameters.php')['parameters'];
$database = connected($own);
$bare = function ($url) {
    return substr($url, strpos($url, ':') + 1);
};
$pairs = array(
    $old => $new,
    str_replace('/', '\\/', $old) => str_replace('/', '\\/', $new),
    $bare($old) => $bare($new),
    str_replace('/', '\\/', $bare($old)) => str_replace('/', '\\/', $bare($new)),
    rawurlencode($old) => rawurlencode($new),
);

$changed = 0;
$columns = $database->prepare(
    'SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t'
    . " ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'"
    . " WHERE c.table_schema = DATABASE() AND c.data_type IN ('char','varchar','tinytext','text','mediumtext','longtext','json')"
    . ' AND LEFT(c.table_name, ?) = ?'
);
$columns->execute(array(strlen($own['database_prefix']), $own['database_prefix']));
foreach ($columns->fetchAll(PDO::FETCH_NUM) as list($table, $column)) {
    $find = $database->prepare("SELECT DISTINCT `$column` FROM `$table` WHERE LOCATE(?, `$column`) OR LOCATE(?, `$column`) OR LOCATE(?, `$column`)");
    $find->execute(array($bare($old), str_replace('/', '\\/', $bare($old)), rawurlencode($old)));
    $write = $database->prepare("UPDATE `$table` SET `$column` = ? WHERE BINARY `$column` = ?");
    foreach ($find->fetchAll(PDO::FETCH_COLUMN) as $value) {
        $write->execute(array(replaced($value, $pairs), $value));
        $changed += $write->rowCount();
    }
}

error_reporting(0);
ini_set('display_errors', '0');
ob_start();
require $root . '/config/config.inc.php';
$written = Tools::generateHtaccess();
ob_end_clean();
if (!$written) {
    file_put_contents('php://stderr', "PrestaShop could not write $root/.htaccess\n");
    exit(1);
}
echo $changed;

<?php
/** The shop's own database, reached without booting the shop: put before those of our scripts that need it. */
function connected(array $own): PDO
{
    $host = (string) $own['database_host'];
    $port = (string) ($own['database_port'] ?? '');
    $where = "host=$host" . ('' === $port ? '' : ";port=$port");
    if (preg_match('/:(\/.+)$/', $host, $parts)) {
        $where = "unix_socket=$parts[1]";
    } elseif (preg_match('/^(.+):(\d+)$/', $host, $parts)) {
        $where = "host=$parts[1];port=$parts[2]";
    }

    return new PDO(
        "mysql:$where;dbname={$own['database_name']};charset=utf8mb4",
        $own['database_user'],
        $own['database_password'],
        array(PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION)
    );
}

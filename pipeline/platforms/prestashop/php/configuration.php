<?php
/** Fed to `php -- ROOT`: prints what app/config/parameters.php says, and the team's own constants, as JSON. */
$file = $argv[1] . '/app/config/parameters.php';
if (!is_file($file)) {
    file_put_contents('php://stderr', "there is no $file\n");
    exit(1);
}
$said = require $file;
$constants = $argv[1] . '/config/defines_custom.inc.php';
echo json_encode(
    array(
        'parameters' => $said['parameters'],
        'constants' => is_file($constants) ? file_get_contents($constants) : '',
    ),
    JSON_INVALID_UTF8_SUBSTITUTE
);

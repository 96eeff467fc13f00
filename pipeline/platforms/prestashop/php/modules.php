<?php
/**
 * Fed to `php -- ROOT`: prints every installed module with its version on disk and in the database, as JSON.
 *
 * The shop is not booted: a shop that a module has broken answers too.
 */
$root = $argv[1];
$own = (require $root . '/app/config/parameters.php')['parameters'];

/** The text of a PHP file without its comments. */
function code(string $file): string
{
    $text = '';
    foreach (token_get_all(file_get_contents($file)) as $token) {
        if (!is_array($token)) {
            $text .= $token;
        } elseif (T_COMMENT !== $token[0] && T_DOC_COMMENT !== $token[0]) {
            $text .= $token[1];
        }
    }

    return $text;
}

/** The version that a module declares: a text, or a constant of its main file; else what its config.xml repeats. */
function declared(string $folder, string $name): string
{
    $main = "$folder/$name.php";
    if (!is_file($main)) {
        return '';
    }
    $code = code($main);
    if (preg_match('/\$this->version\s*=\s*([\'"])(.+?)\1\s*;/', $code, $found)) {
        return $found[2];
    }
    if (preg_match('/\$this->version\s*=\s*(?:\w+::)?(\w+)\s*;/', $code, $constant)) {
        $name = preg_quote($constant[1], '/');
        if (preg_match("/(?:const\s+{$name}\s*=|define\(\s*['\"]{$name}['\"]\s*,)\s*(['\"])(.+?)\\1/", $code, $found)) {
            return $found[2];
        }
    }
    $repeated = is_file("$folder/config.xml") ? file_get_contents("$folder/config.xml") : '';

    return preg_match('/<version>\s*(?:<!\[CDATA\[)?\s*([^\]<\s]+)/', $repeated, $found) ? $found[1] : '';
}

$database = connected($own);
$prefix = $own['database_prefix'];
$modules = array();
$rows = $database->query(
    "SELECT m.name, m.version, m.active AND EXISTS (SELECT 1 FROM {$prefix}module_shop s WHERE s.id_module = m.id_module) AS active"
    . " FROM {$prefix}module m ORDER BY m.name"
);
foreach ($rows as $row) {
    $modules[$row['name']] = array(
        'version' => declared("$root/modules/{$row['name']}", $row['name']),
        'recorded' => $row['version'],
        'active' => (bool) $row['active'],
    );
}
echo json_encode($modules);

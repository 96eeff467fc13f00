<?php
/** Replace in a text; a serialised text keeps its lengths right. */
function replaced(string $text, array $pairs): string
{
    if (false === @unserialize($text, array('allowed_classes' => false)) && 'b:0;' !== $text) {
        return strtr($text, $pairs);
    }
    $result = '';
    $at = 0;
    $end = strlen($text);
    while ($at < $end) {
        if (preg_match('/\Gs:(\d+):"/', $text, $found, 0, $at)) {
            $begin = $at + strlen($found[0]);
            $inner = replaced(substr($text, $begin, (int) $found[1]), $pairs);
            $result .= 's:' . strlen($inner) . ':"' . $inner . '"';
            $at = $begin + (int) $found[1] + 1;
        } else {
            $result .= $text[$at++];
        }
    }

    return $result;
}

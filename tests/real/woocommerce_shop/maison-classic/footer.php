</main>
<footer><?php bloginfo( 'name' ); ?></footer>
<?php wp_footer(); ?>
</body>
</html>

"""The built-in plugins: one vendor protocol or one policy per folder, imported only when configured."""

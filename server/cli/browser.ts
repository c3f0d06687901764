// The user's browser, where there is a desktop for one.

export function hasDesktop({ DISPLAY, WAYLAND_DISPLAY } = process.env): boolean {
  if (process.platform === 'darwin' || process.platform === 'win32') return true
  return Boolean(DISPLAY || WAYLAND_DISPLAY)
}

/** False when it could not be asked to open. */
export function openBrowser(url: string): boolean {
  const command =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url]
  try {
    // It lives on when we end, and what it has to say is not for our terminal.
    Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] }).unref()
    return true
  } catch {
    return false
  }
}

// Opens the user's browser, if there is a desktop.

export function hasDesktop({ DISPLAY, WAYLAND_DISPLAY } = process.env): boolean {
  if (process.platform === 'darwin' || process.platform === 'win32') return true
  return Boolean(DISPLAY || WAYLAND_DISPLAY)
}

/** False if no browser could be started. */
export function openBrowser(url: string): boolean {
  const command =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url]
  try {
    // The browser outlives this process, and its output does not belong on this terminal.
    Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] }).unref()
    return true
  } catch {
    return false
  }
}

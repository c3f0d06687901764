// On a system without a language, a browser reports `en-US@posix`, which Intl refuses. Libraries read it when
// they are loaded, so this has to be imported first.

try {
  new Intl.Locale(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
}

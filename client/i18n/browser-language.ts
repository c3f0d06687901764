// A browser of a system without a language calls it `en-US@posix`, which Intl refuses. Libraries ask for it as
// soon as they are loaded: this comes before them.

try {
  new Intl.Locale(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
}

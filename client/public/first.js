// Runs before the page is painted and its scripts are loaded: the theme that the user has chosen, and a head start for the
// language. As state/memory.ts and i18n/index.ts, which the page itself uses.
{
  const recall = (name) => {
    try {
      return localStorage.getItem(`pgtrek.${name}`)
    } catch {
      // The browser forbids storage.
      return null
    }
  }
  const { dataset } = document.documentElement
  dataset.theme = recall('theme') ?? 'auto'
  const { words } = document.currentScript.dataset
  const files = new Map(words.split(' ').map((file) => [/([a-z]+)-[^/]*$/.exec(file)?.[1], file]))
  const language = [recall('language'), ...navigator.languages.map((tag) => tag.slice(0, 2)), 'en'].find((one) =>
    files.has(one),
  )
  const link = document.createElement('link')
  link.rel = 'modulepreload'
  link.href = files.get(language)
  // In development there are no such files.
  if (files.has(language)) document.head.append(link)
}

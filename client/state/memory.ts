// What this browser remembers. Storage can be switched off or full; then things last as long as the page.
const session = new Map<string, string>()

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(`pgtrek.${name}`) ?? session.get(name)
  } catch {
    // The browser forbids storage: a SecurityError, and what the page itself remembers is all there is.
    return session.get(name)
  }
}

/** False when it will be gone with the page. */
export function remember(name: string, text: string): boolean {
  session.set(name, text)
  try {
    localStorage.setItem(`pgtrek.${name}`, text)
    return true
  } catch {
    // Forbidden or full.
    return false
  }
}

/** For this tab alone, and as long as it is open. No secrets: whoever uses this browser can read it. */
export function rememberForReload(name: string, text: string) {
  try {
    sessionStorage.setItem(`pgtrek.${name}`, text)
  } catch {
    // Forbidden or full: a reload begins anew.
  }
}

export function recallForReload(name: string): string | undefined {
  try {
    return sessionStorage.getItem(`pgtrek.${name}`) ?? undefined
  } catch {
    // Forbidden.
    return undefined
  }
}

// The browser's storage. Where it is disabled or full, values last as long as the page.
const session = new Map<string, string>()

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(`pgtrek.${name}`) ?? session.get(name)
  } catch {
    // The browser forbids storage (SecurityError): only the page's own memory is left.
    return session.get(name)
  }
}

/** False when the value is lost with the page. */
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

/** For this tab only, while it is open. No secrets: anyone who uses this browser can read it. */
export function rememberForReload(name: string, text: string) {
  try {
    sessionStorage.setItem(`pgtrek.${name}`, text)
  } catch {
    // Forbidden or full: a reload starts empty.
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

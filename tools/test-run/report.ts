// Reads the report of `bun test`, in JUnit's XML.
import { existsSync } from 'node:fs'

export interface Failure {
  test: string
  message: string
}

export interface FileReport {
  file: string
  seconds: number
  passed: number
  skipped: number
  failed: Failure[]
}

interface Element {
  tag: string
  attributes: Record<string, string>
  text: string
}

/** Undefined when the run ended before it was written. */
export async function readReport(path: string): Promise<FileReport[]> {
  if (!existsSync(path)) return []
  return parseReport(await Bun.file(path).text())
}

export function parseReport(xml: string): FileReport[] {
  const reports = new Map<string, FileReport>()
  for (const { tag, attributes, text } of elements(xml)) {
    const { file = '', name = '', classname = '', time = '0' } = attributes
    let report = reports.get(file)
    if (tag === 'testsuite' && !report) {
      report = { file, seconds: Number(time), passed: 0, skipped: 0, failed: [] }
      reports.set(file, report)
    }
    if (tag !== 'testcase' || !report) continue
    const failure = elements(text).find((inner) => inner.tag === 'failure')
    // Hooks around all tests have no name.
    const test = [classname, name === '(unnamed)' ? '(beforeAll or afterAll)' : name]
      .filter(Boolean)
      .join(' > ')
    if (failure) {
      report.failed.push({ test, message: decoded(failure.text) || failure.attributes.message || '' })
    } else if (text.includes('<skipped')) {
      report.skipped++
    } else {
      report.passed++
    }
  }
  return [...reports.values()]
}

/** Suites are nested, so they are returned without their text; cases and failures with it. */
function elements(xml: string): Element[] {
  const pattern = /<(testsuite)\b([^>]*)>|<(testcase|failure)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/\3>)/g
  return [...xml.matchAll(pattern)].map(([, suite, ofSuite, inner, ofInner, text]) => ({
    tag: suite ?? inner ?? '',
    attributes: Object.fromEntries(
      [...(ofSuite ?? ofInner ?? '').matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [
        name,
        decoded(value ?? ''),
      ]),
    ),
    text: text ?? '',
  }))
}

function decoded(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hexadecimal, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal))
    if (hexadecimal) return String.fromCodePoint(Number.parseInt(hexadecimal, 16))
    return named[name] ?? whole
  })
}

// Converts the locale of an ICU collation to its standard form. ICU accepts `de@collation=phonebook` and
// `de-u-co-phonebk`, with or without `true`, and with keys in any order.
// https://unicode-org.github.io/icu/userguide/locale/ and
// https://www.unicode.org/reports/tr35/#Key_And_Type_Definitions_

const keys: Record<string, string> = {
  calendar: 'ca',
  colalternate: 'ka',
  colbackwards: 'kb',
  colcasefirst: 'kf',
  colcaselevel: 'kc',
  colhiraganaquaternary: 'kh',
  collation: 'co',
  colnormalization: 'kk',
  colnumeric: 'kn',
  colreorder: 'kr',
  colstrength: 'ks',
  currency: 'cu',
  numbers: 'nu',
  variabletop: 'vt',
}

const values: Record<string, Record<string, string>> = {
  co: { dictionary: 'dict', gb2312han: 'gb2312', phonebook: 'phonebk', traditional: 'trad' },
  ka: { 'non-ignorable': 'noignore' },
  ks: {
    primary: 'level1',
    secondary: 'level2',
    tertiary: 'level3',
    quaternary: 'level4',
    identical: 'identic',
    identity: 'identic',
  },
}

/** A text that is not a locale is not changed. */
export function languageTag(locale: string): string {
  const [language = '', keywords] = locale.split('@', 2)
  const pairs = keywords?.split(';').filter(Boolean).map(inTag) ?? []
  const base = language.replaceAll('_', '-')
  const tag = [base, ...(pairs.length > 0 ? ['u', ...pairs] : [])].join('-')
  try {
    return new Intl.Locale(base === '' || base === 'root' ? tag.replace(/^(root)?/, 'und') : tag).toString()
  } catch {
    return locale
  }
}

function inTag(pair: string): string {
  const [name = '', value = ''] = pair.toLowerCase().split('=', 2)
  const key = keys[name] ?? name
  const word = values[key]?.[value] ?? { yes: 'true', no: 'false' }[value] ?? value
  return `${key}-${word}`
}

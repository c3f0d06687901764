// pg_dump's kinds of archive entries: the phase that users see them in, and the pass that restores them.
import type { Phase } from '../../shared/phase.ts'
import type { Entry } from './entries.ts'

/**
 * `pre` is restored before the rows, in pg_dump's order. `post` waits for the rows of its table, if it has one.
 * `grants` follow when every object exists. `last` is for entries that need or affect the finished database.
 */
export type Pass = 'pre' | 'post' | 'grants' | 'last'

interface Kind {
  phase: Phase
  pass: Pass
}

const pre = (phase: Phase): Kind => ({ phase, pass: 'pre' })
const post = (phase: Phase): Kind => ({ phase, pass: 'post' })

const kinds: Record<string, Kind> = {
  DATABASE: pre('others'),
  SCHEMA: pre('schemas'),
  EXTENSION: pre('schemas'),
  'PROCEDURAL LANGUAGE': pre('schemas'),
  'ACCESS METHOD': pre('schemas'),
  TYPE: pre('types'),
  'SHELL TYPE': pre('types'),
  DOMAIN: pre('types'),
  COLLATION: pre('types'),
  FUNCTION: pre('functions'),
  PROCEDURE: pre('functions'),
  AGGREGATE: pre('functions'),
  OPERATOR: pre('functions'),
  'OPERATOR CLASS': pre('functions'),
  'OPERATOR FAMILY': pre('functions'),
  CAST: pre('functions'),
  CONVERSION: pre('functions'),
  TRANSFORM: pre('functions'),
  'TEXT SEARCH PARSER': pre('functions'),
  'TEXT SEARCH TEMPLATE': pre('functions'),
  'TEXT SEARCH DICTIONARY': pre('functions'),
  'TEXT SEARCH CONFIGURATION': pre('functions'),
  'FOREIGN DATA WRAPPER': pre('schemas'),
  SERVER: pre('schemas'),
  'USER MAPPING': pre('schemas'),
  'FOREIGN TABLE': pre('tables'),
  TABLE: pre('tables'),
  'TABLE ATTACH': pre('tables'),
  DEFAULT: pre('tables'),
  SEQUENCE: pre('sequences'),
  'SEQUENCE OWNED BY': pre('sequences'),
  VIEW: pre('views'),
  'MATERIALIZED VIEW': pre('views'),
  INDEX: post('indexes'),
  'INDEX ATTACH': post('indexes'),
  CONSTRAINT: post('constraints'),
  'CHECK CONSTRAINT': post('constraints'),
  'FK CONSTRAINT': post('constraints'),
  STATISTICS: post('statistics'),
  RULE: post('views'),
  TRIGGER: post('triggers'),
  POLICY: post('others'),
  'ROW SECURITY': post('others'),
  PUBLICATION: post('others'),
  'PUBLICATION TABLE': post('others'),
  'PUBLICATION TABLES IN SCHEMA': post('others'),
  SUBSCRIPTION: post('others'),
  'SUBSCRIPTION TABLE': post('others'),
  ACL: { phase: 'others', pass: 'grants' },
  'DEFAULT ACL': { phase: 'others', pass: 'grants' },
  // These settings apply to later sessions, also those of pgtrek: read-only by default, for example.
  'DATABASE PROPERTIES': { phase: 'others', pass: 'last' },
  'EVENT TRIGGER': { phase: 'triggers', pass: 'last' },
  'MATERIALIZED VIEW DATA': { phase: 'views', pass: 'last' },
}

/**
 * Comments, security labels and kinds of later pg_dump versions are restored at their place in the dump: after
 * `previous`. A function or view that needs an index (GROUP BY a primary key) is after the first post entry.
 */
export function kindOf({ kind, name }: Pick<Entry, 'kind' | 'name'>, previous: Pass): Kind {
  // Event triggers are last, or they would fire for the restore itself. Their comments follow them.
  if (name.startsWith('EVENT TRIGGER ')) return { phase: 'triggers', pass: 'last' }
  const known = kinds[kind]
  if (!known) return { phase: 'others', pass: previous === 'grants' ? 'post' : previous }
  if (known.pass === 'pre' && previous === 'post') return { ...known, pass: 'post' }
  return known
}

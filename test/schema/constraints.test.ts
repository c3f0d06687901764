import { describe, expect, test } from 'bun:test'
import { useReadyIndex } from '../../server/schema/constraints.ts'

const table = 'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT '

describe('a key uses the index that was built for it', () => {
  test.each([
    ['t_pkey PRIMARY KEY (id)', 't_pkey PRIMARY KEY USING INDEX t_pkey', 't_pkey'],
    ['k UNIQUE (a, b)', 'k UNIQUE USING INDEX k', 'k'],
    ['"K (1)" UNIQUE ("a)b", "c(")', '"K (1)" UNIQUE USING INDEX "K (1)"', 'K (1)'],
    ['"a ""b""" PRIMARY KEY (id)', '"a ""b""" PRIMARY KEY USING INDEX "a ""b"""', 'a "b"'],
    ['k UNIQUE (a) INCLUDE (b, "c)")', 'k UNIQUE USING INDEX k', 'k'],
    ["k UNIQUE (a) WITH (fillfactor='70')", 'k UNIQUE USING INDEX k', 'k'],
    ['k UNIQUE NULLS NOT DISTINCT (a)', 'k UNIQUE USING INDEX k', 'k'],
    ['k UNIQUE (a) DEFERRABLE', 'k UNIQUE USING INDEX k DEFERRABLE', 'k'],
    [
      "k PRIMARY KEY (a) INCLUDE (b) WITH (fillfactor='70') DEFERRABLE INITIALLY DEFERRED",
      'k PRIMARY KEY USING INDEX k DEFERRABLE INITIALLY DEFERRED',
      'k',
    ],
    ['k UNIQUE ("a) DEFERRABLE")', 'k UNIQUE USING INDEX k', 'k'],
    ['k UNIQUE ("x UNIQUE (y) DEFERRABLE")', 'k UNIQUE USING INDEX k', 'k'],
  ])('%p', (definition, rewritten, index) => {
    expect(useReadyIndex(table + definition)).toEqual({ statement: table + rewritten, index })
  })
})

describe('a constraint that needs more than a plain index is not changed', () => {
  test.each([
    'k PRIMARY KEY (a, b WITHOUT OVERLAPS)',
    'k UNIQUE (a, b WITHOUT OVERLAPS) DEFERRABLE',
    'k EXCLUDE USING gist (a WITH &&)',
    "k CHECK ((a <> 'UNIQUE (a)'::text))",
    'k FOREIGN KEY (a) REFERENCES public.u(b)',
  ])('%p', (definition) => {
    expect(useReadyIndex(table + definition)).toBeUndefined()
  })
})

// Lists that the first screen of the page uses, apart from the schemas made of them, which it need not load.

export const sides = ['source', 'destination'] as const
export type Side = (typeof sides)[number]

export const objectKinds = [
  'tables',
  'views',
  'materializedViews',
  'functions',
  'sequences',
  'triggers',
  'types',
] as const
export type ObjectKind = (typeof objectKinds)[number]

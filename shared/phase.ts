// The phases a user sees, in the order they are shown; work of several phases may run at the same time.
import { oneOf } from './one-of.ts'

export const phases = [
  'reading',
  'schemas',
  'types',
  'functions',
  'tables',
  'sequences',
  'views',
  'data',
  'large objects',
  'indexes',
  'constraints',
  'triggers',
  'statistics',
  'others',
  'verification',
] as const

export const Phase = oneOf(phases)
export type Phase = (typeof phases)[number]

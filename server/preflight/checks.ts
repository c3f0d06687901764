// All checks, in the order of the report.
import { activityChecks } from './activity.ts'
import { capacityChecks } from './capacity.ts'
import type { Check } from './check.ts'
import { contentChecks } from './content.ts'
import { existingChecks } from './existing.ts'
import { extensionChecks } from './extensions.ts'
import { featureChecks } from './features.ts'
import { followChecks } from './follow.ts'
import { readOnlyChecks } from './read-only.ts'
import { replicationChecks } from './replication.ts'
import { rightsChecks } from './rights.ts'
import { serverChecks } from './servers.ts'
import { soundnessChecks } from './soundness.ts'
import { suspendedChecks } from './suspended-constraints.ts'
import { tableChecks } from './tables.ts'
import { textChecks } from './text.ts'
import { trafficChecks } from './traffic.ts'
import { undumpedChecks } from './undumped.ts'
import { unqualifiedNames } from './unqualified-names.ts'

export const checks: readonly Check[] = [
  ...serverChecks,
  ...featureChecks,
  ...textChecks,
  ...extensionChecks,
  ...rightsChecks,
  ...capacityChecks,
  ...contentChecks,
  ...tableChecks,
  unqualifiedNames,
  ...soundnessChecks,
  ...undumpedChecks,
  ...replicationChecks,
  ...existingChecks,
  ...readOnlyChecks,
  ...suspendedChecks,
  ...activityChecks,
  ...followChecks,
  ...trafficChecks,
]

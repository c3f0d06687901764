// All checks, in the order of the report.
import { activityChecks } from './activity.ts'
import { capacityChecks } from './capacity.ts'
import type { Check } from './check.ts'
import { contentChecks } from './content.ts'
import { destinationRightsChecks } from './destination-rights.ts'
import { existingChecks } from './existing.ts'
import { extensionChecks } from './extensions.ts'
import { featureChecks } from './features.ts'
import { followChecks } from './follow.ts'
import { globalObjectChecks } from './global-objects.ts'
import { readOnlyChecks } from './read-only.ts'
import { replicationChecks } from './replication.ts'
import { rowSecurity } from './row-security.ts'
import { serverChecks } from './servers.ts'
import { soundnessChecks } from './soundness.ts'
import { sourceRights } from './source-rights.ts'
import { superuserNeeds } from './superuser-needs.ts'
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
  ...globalObjectChecks,
  sourceRights,
  rowSecurity,
  ...destinationRightsChecks,
  superuserNeeds,
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

import { edgePanels } from './edge-panels.ts'
import { operationPanels } from './operation-panels.ts'
import type { Panel } from './panel.ts'
import { serverPanels } from './server-panels.ts'

/** The graphs of one AuthService, in order. */
export function panelsOf(subject: { namespace: string; name: string }): Panel[] {
  return [...edgePanels(subject), ...serverPanels(subject), ...operationPanels(subject)]
}

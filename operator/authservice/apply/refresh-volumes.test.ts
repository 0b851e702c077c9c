import { expect, test } from 'vitest'
import { clientsAnnotation, componentLabel } from '../model/labels.ts'
import type { LabelledPod } from '../model/observed-objects.ts'
import { podsToRefresh } from './refresh-volumes.ts'

const [earlier, wanted] = ['a'.repeat(64), 'b'.repeat(64)]

/** Whether a pod is annotated. @param loaded what its server reports; 'nothing': it does not answer */
function isRefreshed(loaded: string | null | undefined, pod: Partial<LabelledPod['metadata']> = {}): boolean {
  const metadata = { name: 'accounts-blue-a', labels: { [componentLabel]: 'server' }, ...pod }
  const up = { problems: [], mongodb: { up: true }, redis: { up: true } }
  const report = { ...up, ...(loaded !== undefined && { oidcClients: loaded }) }
  const serverReports = new Map(loaded === 'nothing' ? [] : [[metadata.name, report]])
  return podsToRefresh({ pods: [{ metadata }], serverReports, clientsRevision: wanted }).length > 0
}

test('a server pod with an earlier file of clients is annotated once', () => {
  expect(isRefreshed(earlier)).toBe(true)
  expect(isRefreshed(earlier, { annotations: { [clientsAnnotation]: earlier } })).toBe(true)
  expect(isRefreshed(earlier, { annotations: { [clientsAnnotation]: wanted } })).toBe(false)
  expect(isRefreshed(undefined), 'a version that does not report its file').toBe(true)
})

test('no other pod is annotated', () => {
  expect(isRefreshed(wanted), 'it has the file').toBe(false)
  expect(isRefreshed(null), 'it is no OpenID provider').toBe(false)
  expect(isRefreshed('nothing'), 'it has not started').toBe(false)
  expect(isRefreshed(earlier, { deletionTimestamp: '2026-12-01T12:00:00Z' })).toBe(false)
  expect(isRefreshed(earlier, { labels: { [componentLabel]: 'edge' } })).toBe(false)
})

import { describe, expect, test } from 'vitest'
import type { ServerReport } from '../../model/observed-objects.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { passwordGenerationAnnotation } from '../../resources/databases/password-generation.ts'
import { referencesAnnotation } from '../../resources/server/server.ts'
import { isRepair } from './repair.ts'

const template = (annotations: Record<string, string>, image = 'v1', secrets = ['our-mongodb']): PodTemplate => ({
  metadata: { labels: {}, annotations },
  spec: {
    containers: [{ image }],
    volumes: secrets.map((secretName) => ({ name: secretName, secret: { secretName } })),
  },
})
const stable = template({ [referencesAnnotation]: 'one' })
const newRelease = template({ [referencesAnnotation]: 'one' }, 'v2')

function urgent(wanted: PodTemplate, reports: Record<string, { mongodb: boolean; redis: boolean }> = {}): boolean {
  const said = Object.entries(reports).map(([pod, { mongodb, redis }]): [string, ServerReport] => [
    pod,
    { problems: [], mongodb: { up: mongodb }, redis: { up: redis } },
  ])
  // Nothing else of a snapshot is read.
  const authService = { metadata: { name: 'accounts' } } as unknown as Snapshot['authService']
  return isRepair({ authService, serverReports: new Map(said) }, { activeColor: 'blue' }, { wanted, stable })
}

describe('a revision starts without a slot', () => {
  test('a revision while no live server can reach its databases: it may contain the new credentials', () => {
    const down = { mongodb: false, redis: true }
    const works = { mongodb: true, redis: true }
    expect(urgent(newRelease, { 'accounts-blue-1': down, 'accounts-green-1': works })).toBe(true)
    expect(urgent(newRelease, { 'accounts-blue-1': works, 'accounts-blue-2': down })).toBe(false)
    expect(urgent(newRelease), 'pods that say nothing are no evidence').toBe(false)
  })

  test('for new content of a Secret, new passwords and a restart, with or without a new release', () => {
    expect(urgent(template({ [referencesAnnotation]: 'two' }))).toBe(true)
    expect(urgent(template({ [referencesAnnotation]: 'two' }, 'v2'))).toBe(true)
    expect(urgent(template({ [referencesAnnotation]: 'one', [passwordGenerationAnnotation]: 'rotated' }, 'v2'))).toBe(
      true,
    )
  })
})

test('a release that makes every server read one more Secret needs a slot like any other', () => {
  expect(urgent(newRelease)).toBe(false)
  expect(urgent(template({ [referencesAnnotation]: 'two' }, 'v2', ['our-mongodb', 'accounts-edge-secret']))).toBe(false)
})

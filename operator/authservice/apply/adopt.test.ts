import { expect, test } from 'vitest'
import type { AuthService } from '../api/schema.ts'
import { Orphans } from '../gather/cache/orphans.ts'
import type { Manifest } from '../model/manifest.ts'
import { adoptOrphans } from './adopt.ts'
import { fieldManager } from './field-owner.ts'

const authService = { metadata: { namespace: 'team-a', name: 'accounts', uid: '1' } } as AuthService

function configMap(name: string, resourceVersion: string, isOurs: boolean): Manifest {
  const labels = {
    'app.kubernetes.io/instance': 'accounts',
    'app.kubernetes.io/managed-by': 'authservice-operator',
  }
  const managedFields = [{ manager: isOurs ? fieldManager : 'kubectl-create', operation: isOurs ? 'Apply' : 'Update' }]
  const metadata = { name, namespace: 'team-a', uid: `uid of ${name}`, resourceVersion, labels, managedFields }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata }
}

test('objects that an AuthService left behind are adopted despite any number of copies, which are read once for each version', async () => {
  const copies = Array.from({ length: 45 }, (_, index) => configMap(`copy-${index}`, '1', false))
  const live = new Map([...copies, configMap('left', '1', true)].map((one) => [one.metadata.name, one]))
  const orphans = new Orphans()
  for (const one of live.values()) orphans.note(one)
  const reads: string[] = []
  const reconcile = async () => {
    reads.length = 0
    const { adopted, refused } = await adoptOrphans(authService, orphans.of('team-a/accounts'), [], {
      readLive: async ({ metadata: { name } }) => {
        reads.push(name)
        return live.get(name)
      },
      patchLists: async (object) => orphans.forget(object),
    })
    for (const object of refused) orphans.refuse('team-a/accounts', object)
    return adopted.map(({ metadata }) => metadata.name)
  }
  expect([await reconcile(), await reconcile(), await reconcile()]).toEqual([[], [], ['left']])
  expect(await reconcile()).toEqual([])
  expect(reads).toEqual([])

  orphans.note(configMap('copy-7', '2', false))
  await reconcile()
  expect(reads, 'it has changed').toEqual(['copy-7'])
})

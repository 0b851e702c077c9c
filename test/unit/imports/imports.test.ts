import { describe, expect, test } from 'vitest'
import { type Import, readImports } from './read-imports.ts'
import { fileCycles, folderCycles, layers, production, rooms, violations } from './rules.ts'

const imports = await readImports([...production, ...layers])

describe('the imports of this repository', () => {
  test('follow the rules of decision 48 in every folder', () => {
    const found = imports.flatMap(({ file }) => /^operator\/authservice\/([^/]+)/.exec(file)?.[1] ?? [])
    expect(new Set(found)).toEqual(new Set(rooms))
    expect(violations(imports)).toEqual([])
  })

  test('contain no cycle, between files of production code or by value between folders', () => {
    expect(fileCycles(imports)).toEqual([])
    expect(folderCycles(imports)).toEqual([])
  })

  test('import from the file that declares a name: a folder has no barrel', () => {
    const barrels = imports.filter(({ file, isReexport }) => isReexport && file.startsWith('operator/authservice/'))
    // The API is declared in one file for each part of a spec, and counts as one.
    expect(new Set(barrels.map(({ file }) => file))).toEqual(new Set(['operator/authservice/api/schema.ts']))
  })
})

describe('an import that violates a rule is reported with its file and the rule', () => {
  const imported = (file: string, name: string, isType = false): Import => ({
    file,
    imported: name,
    isType,
    isReexport: false,
    isDynamic: false,
  })

  test.each([
    ['operator/authservice/apply/plan.ts', 'operator/authservice/status/status.ts', /a room imports from itself/],
    ['operator/kube/client.ts', 'operator/authservice/api/group.ts', /operator\/kube\/ knows nothing/],
    ['operator/authservice/rollout/decide/pace.ts', 'operator/authservice/model/labels.ts', /rollout\/decide\//],
    ['operator/authservice/resources/children.ts', 'operator/kube/client.ts', /no client of Kubernetes/],
    ['operator/authservice/secrets/names.ts', 'node:timers/promises', /no clock/],
    ['operator/authservice/rollout/observe/plan.ts', 'prom-client', /no metrics/],
    ['contract/limits.ts', 'api-server/config/config.ts', /contract\/ imports neither/],
    ['cli/main.ts', 'api-server/app.ts', /do not import the server/],
    ['api-server/app.ts', 'operator/config.ts', /does not import the operator/],
    ['api-server/routes/v1/me.ts', 'mongodb', /routes import no database driver/],
    ['operator/main.ts', 'tools/load/queue.ts', /production code imports nothing from/],
    ['tools/load/queue.ts', 'scripts/build.ts', /test > bench > scripts > tools/],
  ])('%s may not import %s', (file, name, rule) => {
    for (const isType of [false, true]) {
      const found = violations([imported(file, name, isType)])
      expect(found).toEqual([expect.stringMatching(rule)])
      expect(found[0]).toContain(`${file} imports ${name}`)
    }
  })

  test('a cycle of files, and a cycle of folders by value', () => {
    const circle = [
      imported('operator/authservice/status/a.ts', 'operator/authservice/gather/b.ts'),
      imported('operator/authservice/gather/cache/c.ts', 'operator/authservice/status/d.ts'),
      imported('operator/authservice/gather/b.ts', 'operator/authservice/model/e.ts'),
    ]
    expect(fileCycles(circle)).toEqual([])
    expect(folderCycles(circle)).toEqual([
      expect.stringContaining('status/a.ts imports operator/authservice/gather/b.ts'),
      expect.stringContaining('cache/c.ts imports operator/authservice/status/d.ts'),
    ])
    expect(folderCycles(circle.map((one) => ({ ...one, isType: true })))).toEqual([])
    const back = imported('operator/authservice/model/e.ts', 'operator/authservice/gather/b.ts', true)
    expect(fileCycles([...circle, back])).toHaveLength(2)
  })
})

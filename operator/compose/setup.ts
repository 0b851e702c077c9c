import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { users } from '../authservice/resources/pod-security.ts'
import { systemSources } from '../authservice/secrets/system-sources.ts'
import { decideFiles, type SetupRequest, type VolumeName, type Volumes, volumeNames } from './decide-files.ts'
import { parseCertificate } from './imported-certificate.ts'
import { readSettings, type Settings, SetupError } from './settings.ts'
import { readVolume, writeVolume } from './versioned-volume.ts'

const usage = `Usage: docker compose run --rm setup [rotate-keys [--revoke KEY_ID]]
       docker compose run --rm -T setup import-certificate <PEM`

/** The groups of the services that read the volumes. Only root reads the key of the authority. */
const groups: Readonly<Record<VolumeName, number>> = {
  authority: process.getgid?.() ?? 0,
  mongodb: users.mongodb,
  redis: users.redis,
  server: users.server,
  'edge/secret': users.nginx,
  'edge/tls': users.nginx,
  'edge/config': users.nginx,
}

/**
 * Creates the secrets that are missing, and writes the configuration of the edge. Safe to run again: it never replaces a
 * secret.
 *
 * `rotate-keys [--revoke KEY_ID]` adds a signing key, and removes one at once.
 * `import-certificate` reads a certificate chain and its private key as PEM from standard input.
 *
 * @returns what it has done, in lines without secrets
 * @throws SetupError when the user has to correct something
 */
export async function setup(
  programArguments: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  readInput: () => Promise<string>,
): Promise<string[]> {
  const { positionals, values } = parse(programArguments)
  const settings = readSettings(environment)
  const [command, ...rest] = positionals
  if (rest.length > 0 || (values.revoke !== undefined && command !== 'rotate-keys')) throw new SetupError(usage)
  switch (command) {
    case undefined:
      return writeAll(values.directory, settings, { rotateKeys: false, revokeKey: undefined })
    case 'rotate-keys':
      // The successor of a revoked key signs at once, so a revocation is a rotation by itself.
      return writeAll(values.directory, settings, { rotateKeys: values.revoke === undefined, revokeKey: values.revoke })
    case 'import-certificate': {
      const certificate = parseCertificate(await readInput(), settings.AUTH_HOST, new Date())
      await write(values.directory, 'edge/tls', certificate)
      return [`imported the certificate for ${settings.AUTH_HOST}`]
    }
    default:
      throw new SetupError(usage)
  }
}

/** @throws SetupError for options that do not exist or have no value */
function parse(programArguments: readonly string[]) {
  try {
    return parseArgs({
      args: [...programArguments],
      allowPositionals: true,
      options: { revoke: { type: 'string' }, directory: { type: 'string', default: '/setup' } },
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new SetupError(`${error.message}\n${usage}`)
  }
}

async function writeAll(directory: string, settings: Settings, request: SetupRequest): Promise<string[]> {
  const { volumes, changes, warnings } = decideFiles(
    await readAll(directory),
    settings,
    request,
    systemSources,
    new Date(),
  )
  for (const name of volumeNames) await write(directory, name, volumes[name])
  const lines = changes.length === 0 ? ['all secrets exist'] : changes
  return [...warnings.map((warning) => `Warning: ${warning}`), ...lines]
}

async function readAll(directory: string): Promise<Partial<Volumes>> {
  const entries = await Promise.all(
    volumeNames.map(async (name) => {
      const path = join(directory, name)
      return [name, await explained(path, () => readVolume(path))] as const
    }),
  )
  return Object.fromEntries(entries.filter(([, files]) => files !== undefined))
}

async function write(directory: string, name: VolumeName, files: Volumes[VolumeName]): Promise<void> {
  const path = join(directory, name)
  await explained(path, () => writeVolume(path, files, groups[name]))
}

/** @throws SetupError when the volume cannot be used */
async function explained<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new SetupError(
      `${path} cannot be used (${error.message}): run setup as root with the capability CHOWN and with its volumes, as compose.yaml does.`,
    )
  }
}

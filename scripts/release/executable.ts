import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StepLog } from '../../tools/programs/step-log.ts'
import { buildPlugin } from '../build/plugin.ts'
import { hostPlatform, nodeOf, type Platform, partsOf } from './node-binaries.ts'
import { signAdHoc } from './sign-macho.ts'

/** The name by which kubectl finds the plug-in on PATH. */
const pluginName = 'kubectl-authservice'

/** The name of the executable of a platform: Windows needs the extension. */
export function executableName(platform: Platform): string {
  return partsOf(platform).os === 'windows' ? `${pluginName}.exe` : pluginName
}

/**
 * Builds the plug-in as one executable file that contains Node, for each of the platforms.
 *
 * @param directory where to create a folder for each platform, such as `linux-amd64`
 * @returns the path of each executable
 * @see https://nodejs.org/docs/latest-v26.x/api/single-executable-applications.html
 */
export async function buildExecutables(
  directory: string,
  platforms: readonly Platform[],
  log: StepLog,
): Promise<Map<Platform, string>> {
  const builder = await nodeOf(hostPlatform(), log)
  const work = await mkdtemp(join(tmpdir(), 'authservice-plugin-'))
  try {
    const bundle = await buildPlugin(work)
    const files = new Map<Platform, string>()
    for (const platform of platforms) {
      log.report(`Building the plug-in for ${platform}`)
      const output = join(directory, platform.replace('/', '-'), executableName(platform))
      await mkdir(join(output, '..'), { recursive: true })
      const executable = await nodeOf(platform, log)
      const settings = join(work, 'sea.json')
      await writeFile(settings, JSON.stringify(settingsOf(bundle, executable, output)))
      await log.run(builder, ['--build-sea', settings])
      if (partsOf(platform).os === 'darwin') await signAdHoc(output, pluginName, log)
      await chmod(output, 0o755)
      files.set(platform, output)
    }
    return files
  } finally {
    await rm(work, { recursive: true })
  }
}

function settingsOf(main: string, executable: string, output: string) {
  return {
    main,
    executable,
    output,
    disableExperimentalSEAWarning: true,
    // A code cache and a snapshot work only on the platform that creates them.
    useCodeCache: false,
    useSnapshot: false,
    // NODE_OPTIONS is for the programs of the user, not for this one.
    execArgvExtension: 'none',
  }
}

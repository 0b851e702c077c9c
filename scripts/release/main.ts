/** `npm run release`: see the usage below. */
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { dryRun, publish } from './runs.ts'
import { root, setVersion } from './version.ts'

const usage = `Usage: npm run release -- --dry-run [--output FOLDER]
       npm run release -- --set-version VERSION

  --dry-run       builds everything, pushes it to a registry on 127.0.0.1, signs it with a new key, and writes the files
  --output        an empty or new folder for the files (default: release)
  --publish       publishes it: only the release workflow does this
  --set-version   writes a new version into every file that has it`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean' },
      publish: { type: 'boolean' },
      output: { type: 'string', default: join(root, 'release') },
      'set-version': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const version = values['set-version']
  if (version !== undefined) {
    await setVersion(version)
    console.log(`Set the version ${version}. Now run "npm run generate", and add a section for it to the changelog.`)
    return 0
  }
  if (values['dry-run'] === values.publish) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const output = resolve(values.output)
  const run = values.publish ? publish : dryRun
  const { images, charts, files } = await run(output, console.log)
  for (const { name, digest } of [...images, ...charts]) console.log(`${name}@${digest}`)
  console.log(`${files.length} files in ${relative(process.cwd(), output)}:\n  ${files.join('\n  ')}`)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

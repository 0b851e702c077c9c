import { buildProgram, hostPlatform, programNames } from './build/program.ts'

/** Usage: node scripts/build.ts api-server|operator [PLATFORM], with a platform such as `linux-arm64` */
const [wanted, platform = hostPlatform] = process.argv.slice(2)
const name = programNames.find((program) => program === wanted)
if (name === undefined) {
  console.error(`Usage: node scripts/build.ts ${programNames.join('|')} [PLATFORM]`)
  process.exit(1)
}
await buildProgram(name, platform)

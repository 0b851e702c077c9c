import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, fileIngredients } from './cache.ts'
import { checkout } from './checkout.ts'
import { javaWithMaven } from './java.ts'
import { StepLog } from './step-log.ts'

/** Something that Maven builds or downloads. The versions of its dependencies are in pom.xml. */
export interface MavenProject {
  /** Its name in the cache and of its log. */
  name: string
  /** The folder with pom.xml. */
  folder: string
  /** The other source files in that folder. */
  sources: readonly string[]
  /** Completes what Maven has put into `target`. A change of it needs a new `name`. */
  complete?(target: string, log: StepLog): Promise<void>
}

/**
 * The folder `target` that Maven fills from pom.xml, from the cache or built with the packages of Maven Central.
 * @throws {ClusterError} when Java or Maven is missing, or the build fails
 */
export async function mavenProject({ name, folder, sources, complete }: MavenProject): Promise<string> {
  const java = await javaWithMaven()
  const files = ['pom.xml', ...sources]
  const entry = await cached(name, { ...(await fileIngredients(folder, files)), java }, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, `${name}.log`))
    for (const file of files) await cp(join(folder, file), join(unfinished, file))
    // Maven refuses a download that does not match its checksum.
    const options = ['--batch-mode', '--no-transfer-progress', '--strict-checksums']
    await log.run('mvn', [...options, 'package'], { cwd: unfinished })
    for (const file of files) await rm(join(unfinished, file))
    await complete?.(join(unfinished, 'target'), log)
  })
  return join(entry, 'target')
}

import { setTimeout as wait } from 'node:timers/promises'
import { CommandError } from '../command-error.ts'
import type { Kubectl, KubeObject } from '../kubectl.ts'
import { type BackupTask, backupJob, type CronJob } from './backup-job.ts'
import { type Backup, findBackup, formatBackups, formatBytes, formatTime, parseBackups } from './backup-list.ts'

/** What a command says and asks. */
export interface Terminal {
  print(line: string): void
  /** @returns what the user typed; undefined where nobody can be asked */
  ask(question: string): Promise<string | undefined>
}

export interface RestoreRequest {
  /** Name of the AuthService. */
  name: string
  /** File name of a backup, or `latest`; undefined: they are listed. */
  backup: string | undefined
  /** True: nobody is asked. */
  yes: boolean
  timeoutSeconds: number
}

interface Job extends KubeObject {
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

interface Pod extends KubeObject {
  status?: {
    conditions?: { type: string; status: string; message?: string }[]
    containerStatuses?: {
      state?: { waiting?: { reason?: string; message?: string }; terminated?: { message?: string } }
    }[]
  }
}

/** What a Job's pods are made for. */
interface Source {
  cronJob: CronJob
  authService: KubeObject
}

/**
 * Lists the backups of an AuthService, or restores one: the users of today are replaced by those of the backup.
 * @throws CommandError with what to do
 */
export async function restore(request: RestoreRequest, kubectl: Kubectl, terminal: Terminal): Promise<void> {
  const { name, timeoutSeconds } = request
  const source = await findSource(name, kubectl)
  const backups = parseBackups(await runTask(source, { verb: 'list' }, { kubectl, terminal, timeoutSeconds }))
  if (backups.length === 0) {
    throw new CommandError(
      `${name} has no backup yet. Make one now: kubectl create job --from=cronjob/${source.cronJob.metadata.name} ${name}-first-backup`,
    )
  }
  if (request.backup === undefined) {
    terminal.print(formatBackups(backups))
    terminal.print(`\nTo restore one: kubectl authservice restore ${name} BACKUP (or latest)`)
    return
  }
  const chosen = findBackup(backups, request.backup)
  if (chosen === undefined) {
    throw new CommandError(`${name} has no backup ${request.backup}. There is:\n${formatBackups(backups)}`)
  }
  if (!request.yes) await confirm(name, chosen, terminal)
  const task: BackupTask = { verb: 'restore', file: chosen.file }
  terminal.print(await runTask(source, task, { kubectl, terminal, timeoutSeconds }))
  // A backup may be older than the indexes of today: the operator makes the migration anew, which adds what is missing.
  const labels = { 'app.kubernetes.io/instance': name, 'app.kubernetes.io/component': 'migration' }
  await kubectl.remove('jobs', labels)
}

async function findSource(name: string, kubectl: Kubectl): Promise<Source> {
  const authService = await kubectl.get('authservices.auth-operator.dev', name)
  if (authService === undefined) {
    throw new CommandError(`There is no AuthService ${name} here: name its namespace with --namespace.`)
  }
  const cronJob = await kubectl.get<CronJob>('cronjobs', `${name}-backup`)
  if (cronJob === undefined) {
    throw new CommandError(
      `AuthService ${name} has no backups: write spec.backup, with a schedule and a PersistentVolumeClaim.`,
    )
  }
  return { authService, cronJob }
}

async function confirm(name: string, { file, takenAt, bytes }: Backup, terminal: Terminal): Promise<void> {
  terminal.print(
    `This replaces every user of ${name} by those of ${formatTime(takenAt)} (${file}, ${formatBytes(bytes)}). ` +
      'Sessions and revocations stay as they are now. What is replaced is kept as another backup.',
  )
  const answer = await terminal.ask(`Write ${name} to go on: `)
  if (answer === undefined) throw new CommandError('Nobody can be asked here: add --yes to restore without a question.')
  if (answer.trim() !== name) throw new CommandError('Nothing was changed.')
}

/** @returns the last words of the script */
async function runTask(
  { cronJob, authService }: Source,
  task: BackupTask,
  { kubectl, terminal, timeoutSeconds }: { kubectl: Kubectl; terminal: Terminal; timeoutSeconds: number },
): Promise<string> {
  const job = await kubectl.create<Job>(backupJob(cronJob, authService, task))
  const { name } = job.metadata
  terminal.print(`Job ${name} runs …`)
  const deadline = performance.now() + timeoutSeconds * 1000
  for (;;) {
    const { status } = (await kubectl.get<Job>('jobs', name)) ?? {}
    const outcome = status?.conditions?.find(
      (condition) => ['Complete', 'Failed'].includes(condition.type) && condition.status === 'True',
    )
    const pods = await kubectl.list<Pod>('pods', { 'job-name': name })
    if (outcome?.type === 'Complete') return wordsOf(pods) ?? ''
    if (outcome !== undefined) {
      const why = wordsOf(pods) ?? outcome.message ?? 'it does not say why'
      throw new CommandError(`Job ${name} failed: ${why}\nIts log: kubectl logs job/${name}`)
    }
    if (performance.now() > deadline) {
      const seen = pods.map(waitingFor).find(Boolean) ?? 'its pod still runs'
      throw new CommandError(
        `Job ${name} is not done after ${timeoutSeconds} s: ${seen}. It goes on; look with: kubectl describe job ${name}`,
      )
    }
    await wait(1_000)
  }
}

function wordsOf(pods: readonly Pod[]): string | undefined {
  const messages = pods.flatMap(({ status }) => status?.containerStatuses ?? [])
  return messages.map(({ state }) => state?.terminated?.message?.trim()).find((message) => message !== undefined)
}

/** Why a pod does not run; undefined when it does. */
function waitingFor({ status }: Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status: holds }) => type === 'PodScheduled' && holds === 'False',
  )
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((found) => found !== undefined)
  return unscheduled?.message ?? (waiting && `${waiting.reason}: ${waiting.message ?? ''}`)
}

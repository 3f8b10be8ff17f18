-- One row per job of a run: the attempt that counts (its answer, else the last), with the job and its cell.
SELECT m.run_id AS run_id, j.job_id, c.step, j.record_id, j.record_hash, c.agent, c.agent_hash, c.agent_type, c.model,
  c.role, c.prompt, c.prompt_hash, c.perspective, c.perspective_hash, c.codebook, c.codebook_hash, c.variant, j.repeat,
  c.wave, c.arm, c.seed, r.status, r.answers, r.parse, r.refusal, r.finish, r.error_kind, r.error, r.input_tokens,
  r.output_tokens, r.cached_tokens, r.reasoning_tokens, r.cost, r.currency, r.price_version, r.model_returned,
  r.model_fingerprint, r.simulated, r.partial, r.drops, r.mode, r.shown, r.attempt, r.started_at, r.ended_at,
  round((julianday(r.ended_at) - julianday(r.started_at)) * 86400.0, 3) AS seconds, r.tool_output,
  r.quotes, r.cache_write_tokens, r.cache_write_hour_tokens, r.logprobs,
  CASE WHEN c.arm IN ('priors', 'precedents') THEN (SELECT body FROM bodies WHERE hash = j.inputs) END AS priors
FROM run_jobs m JOIN jobs j ON j.job_id = m.job_id JOIN cells c ON c.cell = j.cell
  JOIN results r ON r.job_id = m.job_id AND r.attempt = (
    SELECT attempt FROM results WHERE job_id = m.job_id ORDER BY status = 'answered' DESC, attempt DESC LIMIT 1)
WHERE m.run_id = :run AND (:step IS NULL OR c.step = :step) AND (:arm IS NULL OR c.arm = :arm)
ORDER BY c.step, j.record_id, c.agent, c.perspective, c.variant, j.repeat, j.job_id

-- The same rows as results.sql, in an order of content too, with the columns that are counted and no others; of the cell
-- its key alone. The ids are put in order first, by themselves: a million whole rows would fill the memory.
SELECT k.cell, k.record_id, k.record_hash, k.job_id, r.status, r.answers, r.parse, r.error_kind, r.input_tokens,
  r.output_tokens, r.cost, r.currency, r.price_version, r.model_returned, r.simulated, r.partial, r.drops, r.started_at,
  r.ended_at, round((julianday(r.ended_at) - julianday(r.started_at)) * 86400.0, 3) AS seconds, r.quotes, r.logprobs, r.seed_honoured
FROM (
    SELECT j.cell, j.record_id, j.record_hash, m.job_id FROM run_jobs m JOIN jobs j ON j.job_id = m.job_id
    WHERE m.run_id = ? ORDER BY j.record_id, j.cell, j.repeat, j.job_id LIMIT -1
  ) k CROSS JOIN results r ON r.job_id = k.job_id AND r.attempt = (
    SELECT attempt FROM results WHERE job_id = k.job_id ORDER BY status = 'answered' DESC, attempt DESC LIMIT 1)

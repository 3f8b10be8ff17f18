-- What machines answered in the control arm of a step, to one form of its codebook; and in which of some runs it stands.
SELECT j.record_id, j.job_id, j.seen_hash, j.repeat, c.step, c.agent, c.perspective, c.variant, c.wave,
  CASE c.model WHEN '' THEN c.agent ELSE c.model END AS model,
  CASE c.prompt WHEN '' THEN '' ELSE c.prompt || '@' || substr(c.prompt_hash, 1, 6) END AS prompt,
  r.status, r.answers, r.simulated, r.run_id, r.started_at, r.ended_at,
  (SELECT json_group_array(m.run_id) FROM json_each(:runs) n
   JOIN run_jobs m ON m.run_id = n.value AND m.job_id = j.job_id) AS within
FROM jobs j JOIN cells c ON c.cell = j.cell JOIN results r ON r.job_id = j.job_id AND r.status = 'answered'
WHERE c.step = :step AND c.codebook_hash = :codebook AND c.arm = 'control' AND c.role IN ('model', 'tool')
  AND j.record_id IN :records
ORDER BY j.job_id

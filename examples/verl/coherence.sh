#!/usr/bin/env bash
# Majority vote over prompts and their paraphrases with verl 0.9, on NODES machines with 8 GPUs each.
#
#   MODEL=Qwen/Qwen2.5-7B-Instruct TRAIN=train.parquet VAL=val.parquet bash examples/verl/coherence.sh
#   NODES=4 ... bash examples/verl/coherence.sh actor_rollout_ref.rollout.n=64     # other overrides at the end
#
# On several machines, install dagames and verl on all of them and start Ray first: `ray start --head` on one and
# `ray start --address=HOST:6379` on the others. docs/engines.md describes the columns of the data and the keys.
set -euo pipefail

${PYTHON:-python3} -m verl.trainer.main_ppo \
  algorithm.adv_estimator=dagames \
  +algorithm.dagames.target=majority_vote \
  algorithm.use_kl_in_reward=False \
  reward.custom_reward_function.path=pkg://dagames_llm.verl \
  reward.custom_reward_function.name=score \
  +reward.custom_reward_function.reward_kwargs.extract=last_number \
  trainer.v1.trainer_mode=dagames_sync \
  data.train_files="${TRAIN:-train.parquet}" \
  data.val_files="${VAL:-val.parquet}" \
  data.train_batch_size=64 \
  data.max_prompt_length=512 \
  data.max_response_length=512 \
  data.filter_overlong_prompts=True \
  actor_rollout_ref.model.path="${MODEL:-Qwen/Qwen2.5-7B-Instruct}" \
  actor_rollout_ref.model.enable_gradient_checkpointing=True \
  actor_rollout_ref.actor.strategy=fsdp2 \
  actor_rollout_ref.actor.optim.lr=1e-6 \
  actor_rollout_ref.actor.ppo_epochs=1 \
  actor_rollout_ref.actor.ppo_mini_batch_size=64 \
  actor_rollout_ref.actor.use_dynamic_bsz=True \
  actor_rollout_ref.actor.ppo_max_token_len_per_gpu=16384 \
  actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-sum \
  actor_rollout_ref.actor.use_kl_loss=True \
  actor_rollout_ref.actor.kl_loss_coef=0.02 \
  actor_rollout_ref.actor.kl_loss_type=k3+ \
  actor_rollout_ref.actor.entropy_coeff=0 \
  actor_rollout_ref.rollout.name=vllm \
  actor_rollout_ref.rollout.n=32 \
  actor_rollout_ref.rollout.temperature=1.0 \
  actor_rollout_ref.rollout.tensor_model_parallel_size="${TENSOR_PARALLEL:-1}" \
  actor_rollout_ref.rollout.gpu_memory_utilization=0.6 \
  actor_rollout_ref.rollout.agent.default_agent_loop=dagames_orbit \
  trainer.nnodes="${NODES:-1}" \
  trainer.n_gpus_per_node="${GPUS:-8}" \
  trainer.logger='[console]' \
  trainer.project_name=dagames \
  trainer.experiment_name=coherence \
  trainer.save_freq=100 \
  trainer.test_freq=100 \
  trainer.total_epochs=1 \
  "$@"

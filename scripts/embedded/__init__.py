"""What scripts/train_embedded and scripts/judge_dreams are made of.

tensors    safetensors files
network    the topology, and its two forms: with batch norm for training, folded for dreaming
pictures   packs of labelled pictures, and how each batch of them is varied
adversary  changes of a picture that mislead the network
training   the loop: schedules, averages, checkpoints, time slices, measuring
dreaming   many dreams at once with a folded network
judging    what an independent network sees in them
"""

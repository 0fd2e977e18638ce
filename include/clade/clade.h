/* Clade: train neural networks on any OpenCL device.
 *
 * The headers are the manual; read them in this order. */
#ifndef CLADE_CLADE_H
#define CLADE_CLADE_H

#include <clade/version.h>
#include <clade/status.h>
#include <clade/context.h>
#include <clade/tensor.h>
#include <clade/precision.h>
#include <clade/pointwise.h>
#include <clade/ops.h>
#include <clade/arrange.h>
#include <clade/loss.h>
#include <clade/norm.h>
#include <clade/attention.h>
#include <clade/conv.h>
#include <clade/image.h>
#include <clade/random.h>
#include <clade/custom.h>
#include <clade/autograd.h>
#include <clade/nn.h>
#include <clade/recurrent.h>
#include <clade/transformer.h>
#include <clade/module.h>
#include <clade/optim.h>
#include <clade/checkpoint.h>
#include <clade/scaler.h>
#include <clade/step.h>
#include <clade/data.h>
#include <clade/io.h>

#endif
